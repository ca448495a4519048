"""Run part of the smoke workflow on a real Slurm of three nodes, with faults, and compare it with a local run.

Usage: python tools/test_slurm.py   (as root, on Debian or Ubuntu; about four minutes)

Installs slurm-wlm and munge if they are missing. The cluster lives in a scratch folder and on this machine alone:
one controller, three nodes. While the workflow runs through profiles/slurm a job is cancelled, one is killed and a
node dies; the datasets must be byte-identical to those of a local run. Every daemon is stopped at the end, whatever
happened, and /etc/slurm is as it was. Says so and does nothing where there is no apt.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "config.yaml", "claims.lock.yaml", "workflow", "profiles")
DATASETS = ("coloring_recovery",)
FIGURE = "figures/smoke/E4.pdf"
TARGETS = [*(f"results/smoke/datasets/{name}.nc" for name in DATASETS), FIGURE]
PACKAGES = {"slurm-wlm": "slurmctld", "munge": "munged"}
NODES = ("n1", "n2", "n3")
CONFIGURATION = Path("/etc/slurm/slurm.conf")
SECONDS = 460
SNAKEMAKE = [sys.executable, "-m", "snakemake"]

SLURM_CONF = """\
ClusterName=mini
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
CredType=cred/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool.%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,bf_interval=5,defer_batch
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmctldTimeout=30
SlurmdTimeout=15
KillWait=3
MinJobAge=300
ReturnToService=2
JobRequeue=1
NodeName=n[1-3] NodeHostname={host} NodeAddr=127.0.0.1 Port=[17001-17003] CPUs=1 RealMemory=8000
PartitionName=main Nodes=ALL Default=YES MaxTime=600 DefMemPerCPU=500 State=UP
"""


def say(text: str) -> None:
    """Print a line at once, with the seconds since the start."""
    print(f"test-slurm: {time.monotonic() - STARTED:4.0f} s: {text}", flush=True)


def install() -> None:
    """Install what is missing; the packages' own daemons are not started."""
    missing = [package for package, program in PACKAGES.items() if shutil.which(program) is None]
    if not missing:
        return
    say(f"installing {', '.join(missing)}")
    policy = Path("/usr/sbin/policy-rc.d")
    mine = not policy.exists()
    if mine:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            subprocess.run(
                ["apt-get", "-qq", *command], check=True, env=environment, stdout=subprocess.DEVNULL
            )
    finally:
        if mine:
            policy.unlink()


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    return False


def stop(pids: list[int], seconds: float = 10.0) -> None:
    """Ask processes to end, and end those that do not."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 3.0)):
        for pid in filter(alive, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + patience
        while any(map(alive, pids)) and time.monotonic() < end:
            time.sleep(0.1)


class Cluster:
    """A Slurm of three nodes in a scratch folder; a context manager that stops all it started."""

    def __init__(self, root: Path):
        self.root = root

    def __enter__(self) -> "Cluster":
        """Start the daemons; what was started is stopped if one of them fails."""
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        munge = self.root / "munge"
        munge.mkdir()
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        for path in (munge, munge / "key"):
            shutil.chown(path, "munge", "munge")
        files = [f"--{kind}-file={munge}/{kind}" for kind in ("key", "pid", "log", "seed")]
        command = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "munged", "--force"]
        subprocess.run([*command, *files, f"--socket={munge}/socket"], check=True)
        conf = self.root / "slurm.conf"
        host = socket.gethostname().split(".")[0]
        conf.write_text(SLURM_CONF.format(root=self.root, host=host), encoding="utf-8")
        CONFIGURATION.symlink_to(conf)  # the workflow's job steps do not see SLURM_CONF
        (self.root / "state").mkdir()
        subprocess.run(["slurmctld", "-c"], check=True)
        for node in NODES:
            self.start_node(node)
        self.wait_for(lambda: slurm("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() == list(NODES))

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        (self.root / f"spool.{node}").mkdir(exist_ok=True)
        subprocess.run(["slurmd", "-N", node], check=True)

    def wait_for(self, condition, seconds: float = 30.0) -> None:
        """Wait until `condition()` holds; show the controller's log if it never does."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                log = (self.root / "slurmctld.log").read_text(encoding="utf-8")
                raise TimeoutError(f"Slurm does not get ready; its log ends with\n{log[-3000:]}")
            time.sleep(0.3)

    def __exit__(self, *_) -> None:
        """Cancel all jobs and stop every daemon and every process of a job."""
        if (self.root / "slurmctld.pid").exists():
            with contextlib.suppress(Exception):
                slurm("scancel", "--signal=KILL", "--user=root")
                slurm("scancel", "--user=root")
        files = [*self.root.glob("slurm*.pid"), self.root / "munge/pid"]
        daemons = [
            int(file.read_text(encoding="utf-8"))
            for file in files
            if file.exists() and file.read_text(encoding="utf-8").strip()
        ]
        stop(daemons)
        stop(processes_of(self.root))
        if CONFIGURATION.is_symlink() and CONFIGURATION.readlink().is_relative_to(self.root):
            CONFIGURATION.unlink()


def processes_of(root: Path, node: str | None = None) -> list[int]:
    """Return the processes of the cluster in `root`, of one node if given: its daemons, steps and jobs."""
    found = []
    spool = f"{root}/spool.{node or ''}"
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            here = f"{root}".encode() in words
            if int(folder.name) != os.getpid() and here and (node is None or named(words, node, spool)):
                found.append(int(folder.name))
    return found


def named(words: bytes, node: str, spool: str) -> bool:
    """Say whether an environment and command line are those of something on `node`."""
    return f"SLURMD_NODENAME={node}\0".encode() in words or spool.encode() in words


def slurm(*command: str) -> str:
    """Run a command of Slurm and return what it says."""
    return subprocess.run(command, check=True, encoding="utf-8", capture_output=True, timeout=30).stdout


def running() -> list[tuple[str, str]]:
    """Return number and node of the running jobs of the rule `simulate`."""
    lines = slurm("squeue", "-h", "-t", "R", "-o", "%A %N %k").splitlines()
    return [(line.split()[0], line.split()[1]) for line in lines if "simulate" in line]


def copy_project(folder: Path) -> Path:
    """Copy what the workflow consists of."""
    folder.mkdir()
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    return folder


def digests(folder: Path) -> dict[str, str]:
    """Return the checksums of the datasets and of the figure."""
    files = [*folder.glob("results/smoke/datasets/*.nc"), *folder.glob(FIGURE.replace(".pdf", ".*"))]
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)
    }


def job_processes(job: str) -> list[int]:
    """Return the processes that simulate in a job of Slurm (not the shells and workflow managers around them)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes()
            mine = f"SLURM_JOB_ID={job}\0".encode() in environment
            if mine and b"thermobatch" in command and b"simulate" in command:
                found.append(int(folder.name))
    return found


def disturb(cluster: Cluster, workflow: subprocess.Popen) -> list[str]:
    """Cancel a job, kill a job's process and kill a node as soon as there is something to hit; return what was done."""
    done: list[str] = []
    hit: set[str] = set()
    while workflow.poll() is None and len(done) < 3:
        time.sleep(0.5)
        for job, node in running():
            if job in hit:
                continue
            if len(done) == 0:
                slurm("scancel", job)
                done.append(f"cancelled job {job}")
            elif len(done) == 1 and (pids := job_processes(job)):
                os.kill(pids[0], signal.SIGKILL)
                done.append(f"killed process {pids[0]} of job {job}")
            elif len(done) == 2 and job_processes(job):
                for pid in processes_of(cluster.root, node):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                done.append(f"killed node {node}, which ran job {job}")
            else:
                continue
            hit.add(job)
            say(done[-1])
    return done


def run_on_slurm(cluster: Cluster, folder: Path) -> str:
    """Run the workflow through the profile while it is disturbed, and return its log."""
    options = [
        "--workflow-profile",
        "profiles/slurm",
        "--slurm-status-command",
        "squeue",
        "--latency-wait",
        "10",
    ]
    options += ["--slurm-init-seconds-before-status-checks", "3"]
    log = folder / "snakemake.log"
    with log.open("w", encoding="utf-8") as stream:
        workflow = subprocess.Popen(
            [*SNAKEMAKE, *options, "--config", "chunk_seconds=1", "--", *TARGETS],
            cwd=folder,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            done = disturb(cluster, workflow)
            workflow.wait(timeout=max(1.0, SECONDS - (time.monotonic() - STARTED)))
        except BaseException:
            os.killpg(workflow.pid, signal.SIGKILL)
            print(log.read_text(encoding="utf-8")[-6000:])
            raise
    text = log.read_text(encoding="utf-8")
    if workflow.returncode != 0 or len(done) < 3:
        print(text[-6000:])
        for file in sorted((folder / "logs/slurm").rglob("*.log"))[:5]:
            print(f"--- {file}\n{file.read_text(encoding='utf-8')[-2000:]}")
        sys.exit(
            f"test-slurm: FAILED: exit status {workflow.returncode}, faults: {', '.join(done) or 'none'}"
        )
    return text


def main() -> None:
    """Do all the module says."""
    if shutil.which("apt-get") is None:
        print("test-slurm: SKIPPED, NOTHING WAS TESTED: there is no apt-get here to install a Slurm with")
        return
    if os.geteuid() != 0:
        sys.exit("test-slurm: needs root, to install Slurm and to start its daemons")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("test-slurm: FAILED: told to stop"))  # and clean up
    lock = open(
        Path(tempfile.gettempdir()) / "thermobatch-test-slurm.lock", "wb"
    )  # held until this process ends
    fcntl.flock(lock, fcntl.LOCK_EX)
    install()
    if CONFIGURATION.exists():
        sys.exit(f"test-slurm: {CONFIGURATION} exists: a machine that has a Slurm is left alone")
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.unlink(missing_ok=True)
    root = Path(tempfile.mkdtemp(prefix="thermobatch-slurm-"))
    root.chmod(0o755)
    try:
        say("local run")
        local = copy_project(root / "local")
        command = [*SNAKEMAKE, "--cores", "2", "--quiet", "all", "--", *TARGETS]
        subprocess.run(command, cwd=local, check=True, timeout=SECONDS)
        with Cluster(root) as cluster:
            say("three nodes are up")
            there = copy_project(root / "cluster")
            text = run_on_slurm(cluster, there)
            say("the workflow has finished")
        attempts = len(re.findall(r"^thermobatch: tried again: ", text, re.MULTILINE))
        chunks = len(list(there.glob("results/smoke/chunks/**/*.nc")))
        expected, found = digests(local), digests(there)
        if expected != found or len(found) < len(DATASETS) + 4:
            different = sorted(name for name in expected | found if expected.get(name) != found.get(name))
            sys.exit(
                f"test-slurm: FAILED: different from the local run: {', '.join(different) or 'no files'}"
            )
        left = processes_of(root)
        if left or CONFIGURATION.exists():
            sys.exit(f"test-slurm: FAILED: left processes {left}, {CONFIGURATION}")
        say(
            f"{len(found)} files of {chunks} chunks are identical to the local run's after {attempts} restarts"
        )
    finally:
        shutil.rmtree(root, ignore_errors=True)
    say("passed")


STARTED = time.monotonic()

if __name__ == "__main__":
    main()
