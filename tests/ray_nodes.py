"""A Ray cluster of two nodes on 127.0.0.1 for tests: prints its address; a line on stdin kills the second node, the end
of stdin ends the cluster."""

import sys

from ray.cluster_utils import Cluster


def main() -> None:
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1"},
    )
    try:
        second = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
        print(f"address {cluster.address}", flush=True)
        for _ in sys.stdin:
            cluster.remove_node(second, allow_graceful=False)
            print("killed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
