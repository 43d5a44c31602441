"""A SLURM cluster of two nodes on this machine, for as long as a test takes."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Both nodes are this machine. Memory is watched, cores are not: there may be fewer.
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
MinJobAge=3600
GresTypes=gpu
NodeName=DEFAULT CPUs=4 RealMemory=100000
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} Gres=gpu:2
PartitionName=cpu Nodes=cpu1 Default=YES State=UP
PartitionName=gpu Nodes=gpu1 State=UP
"""
# Files stand for GPUs.
GPUS = """
NodeName=gpu1 Name=gpu File=/dev/null
NodeName=gpu1 Name=gpu File=/dev/zero
"""


@dataclass
class Cluster:
    """A running cluster with the partitions cpu and gpu."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to find the cluster."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return os.environ | {"PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def jobs(self) -> list[dict[str, str]]:
        """All jobs since the start, as `scontrol show job` describes them, in their order."""
        lines = self.call("scontrol", "--oneliner", "show", "job").splitlines()
        jobs = [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in lines
            if line.startswith("JobId=")
        ]
        return sorted(jobs, key=lambda job: int(job["JobId"]))


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster and yield it once both nodes are ready; end it whatever happens.

    It reads no configuration of the machine and writes to its folder alone. Its daemons are told to
    end by the kernel if this process is killed.
    """
    cluster = Cluster(folder)
    configuration = _configure(folder)
    daemons = [
        ["munged", "--foreground", "--force", *_munge_files(folder)],
        ["slurmctld", "-D", "-c", "-f", str(configuration)],
        *(["slurmd", "-D", "-N", node, "-f", str(configuration)] for node in ("cpu1", "gpu1")),
    ]
    with contextlib.ExitStack() as stack:
        for command in daemons:
            _start(command, folder, stack)
            if command[0] == "munged":
                _wait_until((folder / "munge.socket").exists, "munged", folder)
        stack.callback(subprocess.run, ["scancel", "--user=root"], env=cluster.environment)
        _wait_until(lambda: _ready(cluster), "the nodes", folder)
        yield cluster


def _configure(folder: Path) -> Path:
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    (folder / "state").mkdir()
    text = CONFIGURATION.format(host=socket.gethostname(), folder=folder, ports=_free_ports(3))
    (folder / "slurm.conf").write_text(text)
    (folder / "gres.conf").write_text(GPUS)
    # The plugin takes SLURM's variables, this one too, from the environment of the srun it calls.
    srun = folder / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    return folder / "slurm.conf"


def _munge_files(folder: Path) -> list[str]:
    names = {
        "socket": "munge.socket",
        "key-file": "munge.key",
        "pid-file": "munged.pid",
        "seed-file": "munged.seed",
        "log-file": "munged.log",
    }
    return [f"--{option}={folder / name}" for option, name in names.items()]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _start(command: list[str], folder: Path, stack: contextlib.ExitStack) -> None:
    with open(folder / "daemons.log", "ab") as log:
        daemon = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdout=log, stderr=log
        )
    stack.callback(daemon.wait)
    stack.callback(daemon.terminate)


def _ready(cluster: Cluster) -> bool:
    done = subprocess.run(
        ["sinfo", "--Node", "--noheader", "--format=%T"],
        env=cluster.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split() == ["idle", "idle"]


def _wait_until(is_so, what: str, folder: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            logs = [path.read_text(errors="replace")[-1500:] for path in folder.glob("*.log")]
            raise TimeoutError("\n".join([f"SLURM: {what} did not start", *logs]))
        time.sleep(0.1)
