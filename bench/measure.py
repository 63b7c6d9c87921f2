"""What one run of a program takes, and what many runs come to."""

import collections
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SECONDS = 1800  # for one run: ten times what the slowest takes
TICK = os.sysconf("SC_CLK_TCK")

# seconds: of the clock; cpu: user and system of the program; server: the same of the mail server (in hundredths);
# peak: megabytes resident at most; bytes_in, turns: what a relay counted; syncs: fsync and fdatasync calls.
Sample = collections.namedtuple("Sample", "seconds cpu server peak bytes_in turns syncs", defaults=[None] * 7)


class Failed(Exception):
    """A contender did not do its work: nothing that it took counts."""


def built(program, name):
    """What was built of bench/ beside the program, or in the folder that TWINBOX_BENCH_FOLDER names."""
    folder = os.environ.get("TWINBOX_BENCH_FOLDER") or os.path.join(os.path.dirname(program), "bench")
    path = os.path.join(os.path.abspath(folder), name)
    if not os.access(path, os.X_OK):
        raise Failed(f"{path} is not there: build the target `{name}`, or name its folder in TWINBOX_BENCH_FOLDER")
    return path


def server_cpu(group):
    """CPU seconds so far of all processes of a process group, and of those that it had."""
    total = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            total += sum(int(field) for field in fields[11:15])
    return total / TICK


class Runner:
    """Starts programs by way of the launcher. Folders of runs stay until close(): a file system from which many
    files were just deleted is slower than one that was left alone."""

    def __init__(self, program, profiles=None):
        self.profiles = profiles  # a folder for what perf finds out about twinbox
        self.program = os.path.abspath(program)
        self.launch = built(self.program, "launch")
        self.folder = tempfile.mkdtemp(prefix="twinbox-bench-")
        self.strace = shutil.which("strace")
        self.told = b""  # what the last program said
        self._serial = 0

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def fresh(self, name):
        self._serial += 1
        path = os.path.join(self.folder, f"{self._serial:04d}-{''.join(c if c.isalnum() else '-' for c in name)}")
        os.mkdir(path)
        return path

    def run(self, command, environment, server=None, relay=None, accept=(0,), count_syncs=False):
        """One run; count_syncs slows it down, so its time is not one to keep.

        server: the process group of the mail server; relay: what the program talks through; accept: statuses that mean
        that it did its work."""
        before = server_cpu(server) if server else 0
        if relay:
            relay.reset()
        watched, calls = self._watched(list(command), count_syncs)
        report = os.path.join(self.folder, "report")
        with subprocess.Popen([self.launch, report] + watched, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment, cwd=self.folder) as child:
            try:
                out, err = child.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                raise Failed(f"{command[0]} took more than {SECONDS} s") from None
        self.told = out
        if child.returncode not in accept:
            words = (err or out).decode("utf-8", "replace").strip()[-400:]
            raise Failed(f"{os.path.basename(command[0])} ended with status {child.returncode}: {words}")
        with open(report, encoding="ascii") as file:
            seconds, user, system, kilobytes = (float(word) for word in file.read().split())
        if relay:
            time.sleep(3 * relay.delay + 0.02)  # what the program sent last may still be on its way
        return Sample(seconds=seconds, cpu=user + system, server=server_cpu(server) - before if server else None,
                      peak=kilobytes / 1024, bytes_in=relay.bytes_in if relay else None,
                      turns=relay.round_trips if relay else None,
                      syncs=lines_of(calls) if calls else None)

    def _watched(self, command, count_syncs):
        """The command under strace, perf or nothing, and where strace writes its lines."""
        self._serial += 1
        if count_syncs and self.strace:
            calls = os.path.join(self.folder, "calls")
            return [self.strace, "-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o",
                    calls] + command, calls
        if self.profiles and command[0] == self.program:
            place = os.path.join(self.profiles, f"{self._serial:04d}.perf")
            return ["perf", "record", "-q", "-g", "-o", place, "--"] + command, None
        return command, None


def lines_of(path):
    """How many calls strace saw. (The second line of one that another thread interrupted has no bracket.)"""
    with open(path, encoding="ascii", errors="replace") as file:
        return sum("sync(" in line for line in file)


class Stopwatch:
    """Times what this process itself does."""

    def __enter__(self):
        self._wall, self._cpu = time.monotonic(), time.thread_time()
        return self

    def __exit__(self, *_):
        self.sample = Sample(seconds=time.monotonic() - self._wall, cpu=time.thread_time() - self._cpu)


def rounds(contenders, runs, warm=True, progress=None, notes=None):
    """All contenders in turn, `runs` times, so that a busy moment of the machine does not fall on one of them alone.

    contenders: {name: (action, most)}; action(warm) gives a Sample, and is called at most `most` times. The first
    round is not counted: the contenders check their results in it and count their fsyncs. One that fails is out, with
    a note; twinbox must not fail."""
    found, syncs, contenders = {name: [] for name in contenders}, {}, dict(contenders)
    for number in range(-1 if warm else 0, runs):
        for name, (action, most) in list(contenders.items()):
            if (most is not None and len(found[name]) >= most) or (number < 0 and most is not None):
                continue
            if progress:
                progress(f"{name}, {'first look' if number < 0 else f'{number + 1} of {runs}'}")
            try:
                sample = action(number < 0)
            except Failed as error:
                if notes is None or name.startswith("twinbox"):
                    raise
                notes.append(f"{name}: {error}")
                del contenders[name]
                continue
            if sample.syncs is not None:
                syncs[name] = sample.syncs
            if number >= 0:
                found[name].append(sample)
    return {name: Result(name, samples, syncs.get(name)) for name, samples in found.items() if samples}


class Result:
    """All counted runs of one contender."""

    def __init__(self, name, samples, syncs=None):
        self.name, self.samples, self.syncs = name, samples, syncs

    def values(self, field):
        return [value for value in (getattr(sample, field) for sample in self.samples) if value is not None]

    def median(self, field):
        values = self.values(field)
        return statistics.median(values) if values else None

    def most(self, field):
        values = self.values(field)
        return max(values) if values else None

    def facts(self):
        """What --json prints."""
        facts = {field: [round(value, 6) for value in self.values(field)] for field in Sample._fields
                 if field != "syncs" and self.values(field)}
        return {**facts, **({"fsyncs": self.syncs} if self.syncs is not None else {})}


def shares(over, under, field="seconds"):
    """over / under, run by run of the same round: their median, least and most."""
    pairs = [one / other for one, other in zip(over.values(field), under.values(field)) if other]
    return (statistics.median(pairs), min(pairs), max(pairs)) if pairs else None


def complain(words):
    print(words, file=sys.stderr, flush=True)
