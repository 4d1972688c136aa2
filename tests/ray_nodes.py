"""A Ray cluster of two nodes on 127.0.0.1 for tests: prints its address and that of its client port; a line on stdin
kills the second node, the end of stdin ends the cluster."""

import socket
import sys

from ray.cluster_utils import Cluster


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    client = free_port()
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "include_dashboard": False,
            "node_ip_address": "127.0.0.1",
            "ray_client_server_port": client,
        },
    )
    try:
        second = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
        print(f"address {cluster.address} ray://127.0.0.1:{client}", flush=True)
        for _ in sys.stdin:
            cluster.remove_node(second, allow_graceful=False)
            print("killed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
