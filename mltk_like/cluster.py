"""The same work on many machines: tasks on a Ray cluster. Ray is optional, and does the scheduling.

Every node needs mltk_like of the same version; a task is a function of the package and its arguments, so what it
returns does not depend on the node.
"""

import logging
import platform
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

from mltk_like.closing import Closing
from mltk_like.errors import MltkLikeError, ToolError

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

NAMESPACE = "mltk_like"

# A task is begun again on another node when its own is lost; one that takes down so many is itself the fault.
_NODES_LOST = 4
_START_HINT = "start a cluster with: ray start --head, and on every other machine: ray start --address HOST:6379"

# Ray's client port starts a process for each client from a process that has threads in gRPC; some starts die of that
# (ray-project/ray#63202: 7 %; here 3 of 14), and the next is as likely as any to succeed.
_CONNECTION_TRIES = 4
_ABORTED_HINT = "start the cluster's head with: GRPC_ENABLE_FORK_SUPPORT=0 ray start --head"


class Cluster(Closing):
    """A connection to a Ray cluster. Use it as a context manager; leaving it disconnects, the cluster stays.

    Args:
        address: "auto" (the cluster that this machine is part of), "HOST:PORT" (the same, by its head's address) or
            "ray://HOST:PORT" (from outside, through the head's client port, 10001 by default).

    Raises:
        ToolError: Ray is not installed here; no cluster answers; a node has no mltk_like, or another version of it.
    """

    def __init__(self, address: str) -> None:
        self._ray = _ray()
        self.address = address
        _check_address(address)
        self._connect()
        try:
            self._check_nodes()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        missing = f"no Ray cluster answers at {self.address}"
        for left in reversed(range(_CONNECTION_TRIES)):
            try:
                self._ray.init(
                    address=self.address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR,
                    ignore_reinit_error=False,
                )  # fmt: skip
                return
            except ConnectionAbortedError as error:
                if not left:
                    raise ToolError(f"{missing}: {_first_line(error)}", _ABORTED_HINT) from error
                logger.warning("%s aborted the connection, it is tried again; %s", self.address, _ABORTED_HINT)
            except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                raise ToolError(f"{missing}: {_first_line(error)}", _START_HINT) from error

    @property
    def cores(self) -> int:
        """CPU cores of all nodes."""
        return max(int(self._ray.cluster_resources().get("CPU", 1)), 1)

    @property
    def gpus(self) -> int:
        """GPUs of all nodes."""
        return int(self._ray.cluster_resources().get("GPU", 0))

    def put(self, value: object) -> Any:
        """Store a value once in the cluster, to hand to many tasks; returns what to pass in its place."""
        return self._ray.put(value)

    def run(
        self, function: Callable[..., Result], items: Iterable[Item], *shared: object, whole_nodes: bool = False
    ) -> Iterator[tuple[Item, Result]]:
        """Call `function(item, *shared)` for every item on the nodes; yields (item, result) as they finish.

        Only as many items as keep the nodes busy are under way at a time, so that `items` may be long, or be made as
        results come in. A task whose node is lost is begun again elsewhere.

        Args:
            function: at the top level of a module of the package.
            items: what to call it with; anything that can be pickled.
            shared: further arguments, the same for all; large ones from `put`.
            whole_nodes: a task takes all cores (and a GPU, where there are any) of a node; else one core.

        Raises:
            MltkLikeError: as the function raised it.
            ToolError: tasks were lost with their nodes again and again, or the cluster is gone.
        """
        ray = self._ray
        needs = {"num_cpus": self._smallest_node(), "num_gpus": min(self.gpus, 1)} if whole_nodes else {"num_cpus": 1}
        remote = ray.remote(function).options(max_retries=_NODES_LOST, **needs)
        waiting = iter(items)
        pending: dict[Any, Item] = {}
        try:
            while True:
                # Looked up each time: nodes come and go.
                room = self.cores // needs["num_cpus"] if whole_nodes else 2 * self.cores + 2
                for item in _up_to(waiting, max(room, 1) - len(pending)):
                    pending[remote.remote(item, *shared)] = item
                if not pending:
                    return
                ready, _ = ray.wait(list(pending), num_returns=1)
                yield pending.pop(ready[0]), self._get(ready[0])
        finally:
            for task in pending:
                ray.cancel(task, force=True)

    def _get(self, task: Any) -> Any:
        ray = self._ray
        try:
            return ray.get(task)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, MltkLikeError):
                raise type(error.cause)(error.cause.message, error.cause.hint) from error
            raise
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise ToolError(
                f"the cluster at {self.address} lost the work: {_first_line(error)}",
                "start again: what was brought back is kept",
            ) from error

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]

    def _smallest_node(self) -> int:
        return max(min((int(node["Resources"]["CPU"]) for node in self._nodes()), default=1), 1)

    def _check_nodes(self) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ray = self._ray
        ours = package_version()
        nodes = self._nodes()
        if not nodes:
            raise ToolError(f"the cluster at {self.address} has no node with a CPU to spare", _START_HINT)
        for node in nodes:
            where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = ray.remote(package_version).options(num_cpus=0, scheduling_strategy=where).remote()
            try:
                theirs = ray.get(task, timeout=120)
            except (ray.exceptions.RayError, ModuleNotFoundError) as error:
                raise ToolError(
                    f"node {node['NodeManagerAddress']} cannot run mltk_like: {_first_line(error)}",
                    f"install the same version there: pip install 'mltk_like[train,speech,cluster]=={ours.split()[0]}'",
                ) from error
            if theirs != ours:
                raise ToolError(
                    f"node {node['NodeManagerAddress']} has mltk_like {theirs}, this machine {ours}",
                    "install the same versions on both: results must not depend on the node",
                )

    def close(self) -> None:
        """Disconnect; twice is once."""
        self._ray.shutdown()


@contextmanager
def workers_at(address: str | None, workers: int | None = None) -> Iterator["Workers"]:
    """A connected cluster where there is an address, else the number of processes. Raises ToolError as `Cluster`."""
    if address is None:
        yield workers
        return
    with Cluster(address) as cluster:
        yield cluster


Workers: TypeAlias = int | Cluster | None
"""Who does the work: so many processes here, a cluster, or one process a core (None); 0 is this process."""


def package_version() -> str:
    """Version of mltk_like and of Python, as every node must have them."""
    from importlib.metadata import version

    return f"{version('mltk_like')} (Python {'.'.join(platform.python_version_tuple()[:2])})"


def _check_address(address: str) -> None:
    """Ray itself tries for minutes, or ends the process, when nobody listens."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ToolError(f"{address!r} is no address of a cluster", "give auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ToolError(f"no Ray cluster answers at {address}: {error}", _START_HINT) from error


def _ray() -> ModuleType:
    try:
        import ray
    except ImportError as error:
        raise ToolError("Ray is not installed", "pip install 'mltk_like[cluster]'") from error
    module: ModuleType = ray
    return module


def _up_to(items: Iterator[Item], count: int) -> Iterator[Item]:
    for _ in range(count):
        try:
            yield next(items)
        except StopIteration:
            return


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
