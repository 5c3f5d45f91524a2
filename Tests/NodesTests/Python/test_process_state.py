"""Nothing of one call is in the next: each finds the process as a new one would be."""

import pytest

# What is looked at: in a new process, and after a call that has changed it.
LOOK = """
import asyncio, builtins, decimal, gc, io, json, locale, logging, multiprocessing, os, random, resource, signal, socket, sys
import threading, time, warnings
def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
def look():
    return repr({
        "cwd": os.getcwd(), "environ": sorted(os.environ.items()), "environ id": id(os.environ), "umask": umask(),
        "handlers": [str(signal.getsignal(n)) for n in range(1, 32)],
        "timers": [signal.getitimer(n) for n in range(3)], "mask": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "streams": [id(s) for s in (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)],
        "attributes": [sorted(vars(s)) for s in (sys.stdout, sys.stderr)],
        "descriptors": [os.readlink("/proc/self/fd/%d" % n) for n in range(3)],
        "path": sys.path, "argv": sys.argv, "hooks": [sys.excepthook, threading.excepthook, sys.displayhook, sys.unraisablehook],
        "logging": [logging.root.level, logging.root.handlers, logging.getLogger("a").level, logging.getLogger("a").handlers,
                    logging.getLogger("a").propagate, logging.root.manager.disable],
        "warnings": warnings.filters, "locale": locale.setlocale(locale.LC_ALL), "decimal": decimal.getcontext(),
        "socket": socket.getdefaulttimeout(), "recursion": sys.getrecursionlimit(),
        "gc": [gc.isenabled(), gc.get_threshold()], "trace": [sys.gettrace(), sys.getprofile()],
        "json": [json.loads, json.dumps], "builtins": [print, open], "policy": asyncio.events._event_loop_policy,
        "limits": [resource.getrlimit(n) for n in range(10)], "switch": sys.getswitchinterval(),
        "start method": multiprocessing.get_start_method(allow_none=True), "sleep": time.sleep,
        "timezone": time.tzname,
    })
"""

CHANGES = [
    "os.chdir('/usr')",
    "os.fchdir(os.open('/usr', os.O_RDONLY))",
    "os.environ['K'] = 'secret'",
    "os.putenv('K', 'secret')",
    "os.environ.pop('PATH')",
    "os.environ.clear()",
    "os.environ = {}",
    "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()",
    "os.umask(0o777)",
    "os.umask(0o777); os.umask(0o111)",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGUSR1, print)",
    "signal.siginterrupt(signal.SIGTERM, False)",
    "signal.setitimer(signal.ITIMER_REAL, 0.3)",
    "signal.alarm(1)",
    "signal.signal(signal.SIGALRM, lambda *_: 1 / 0); signal.setitimer(signal.ITIMER_REAL, 0.00001, 0.0001)",
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
    "sys.stdout = io.StringIO(); sys.stderr = sys.__stdout__ = None",
    "del sys.stdout",
    "sys.stdout.write = lambda text: 0",
    "sys.stdin.close(); os.close(0)",
    "os.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
    "os.dup2(os.open('/dev/null', os.O_WRONLY), 2)",
    "os.closerange(0, 100)",
    "for n in range(100):\n        try: os.close(n)\n        except OSError: pass",
    "exit(0)",
    "sys.path.insert(0, '/nowhere'); sys.argv.append('x')",
    "sys.path = []; sys.argv = ['x']",
    "sys.excepthook = threading.excepthook = sys.unraisablehook = print",
    "logging.basicConfig(level=logging.DEBUG)",
    "logging.getLogger('a').setLevel(10); logging.getLogger('a').addHandler(logging.StreamHandler()); logging.getLogger('a').propagate = False",
    "logging.disable(50)",
    "logging.captureWarnings(True)",
    "warnings.simplefilter('error')",
    "warnings.filters = []",
    "locale.setlocale(locale.LC_ALL, 'C')",
    "decimal.getcontext().prec = 3",
    "socket.setdefaulttimeout(1)",
    "sys.setrecursionlimit(5000); sys.setswitchinterval(1)",
    "gc.disable(); gc.set_threshold(1)",
    "sys.settrace(lambda *_: None); sys.setprofile(lambda *_: None)",
    "json.loads = None; json.dumps = None",
    "builtins.print = None; builtins.open = None",
    "time.sleep = time.monotonic = None",
    "asyncio.set_event_loop(asyncio.new_event_loop())",
    "asyncio.run(asyncio.sleep(0))",
    "asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())",
    "multiprocessing.set_start_method('spawn')",
    "resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))",
    "sys.set_int_max_str_digits(0)",
    "raise KeyboardInterrupt",
    "sys.stdout.close(); sys.stdout.buffer.close()",
]


@pytest.mark.parametrize("kind", ["", "async "])
def test_each_call_finds_what_the_first_one_found(worker, kind):
    def call(body):
        code = LOOK + kind + "def execute(state):\n    %s\n    return {'seen': look()}" % body
        return worker.end(worker.call({"code": code}))[0]
    first = call("pass")["update"]["seen"]
    for change in CHANGES:
        call(change)
        assert call("pass")["update"]["seen"] == first, change
    assert worker.process.poll() is None


def test_what_is_printed_after_a_change_is_heard(worker, run):
    for change in ("import sys, io; sys.stdout = io.StringIO()", "import os; os.close(1)", "import os; os.close(2)"):
        run(change)
        end, before = worker.end(worker.call({"code": "def execute(state): print('here')"}))
        assert [output["data"].rstrip("\n") for output in before] == ["here"]


def test_an_event_loop_is_there_whatever_ran_before(run):
    body = "import asyncio, warnings\nwarnings.simplefilter('ignore')\nasync def co(): return 5\nreturn {'v': %s}"
    alone = run(body % "asyncio.get_event_loop_policy().get_event_loop().run_until_complete(co())")
    assert alone == ({"v": 5}, [])
    assert run(body % "asyncio.run(co())") == alone
    assert run(body % "asyncio.get_event_loop_policy().get_event_loop().run_until_complete(co())") == alone


def test_what_a_module_sets_stays(worker):
    (worker.folder / "f.py").write_text("""
import decimal, os, signal, sys, logging, warnings
os.environ["MODULE"] = "yes"
os.chdir("/usr")
sys.path.append("/module")
decimal.getcontext().prec = 5
logging.basicConfig(level=logging.DEBUG, handlers=[logging.NullHandler()])
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
warnings.simplefilter("error", BytesWarning)
def f(state):
    seen = {"environ": os.environ["MODULE"], "cwd": os.getcwd(), "path": sys.path[-1], "digits": str(decimal.Decimal(1) / 3),
            "level": logging.root.level, "signal": signal.getsignal(signal.SIGUSR1), "filter": warnings.filters[0][0]}
    os.environ["MODULE"] = "no"
    os.chdir("/")
    sys.path.clear()
    decimal.getcontext().prec = 2
    logging.root.setLevel(50)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    return seen
""")
    wanted = {"environ": "yes", "cwd": "/usr", "path": "/module", "digits": "0.33333", "level": 10, "signal": 1, "filter": "error"}
    for _ in range(3):
        assert worker.end(worker.call({"file": "f.py", "function": "f"}))[0]["update"] == wanted


def test_what_a_module_sets_that_a_call_imports_stays(worker, run):
    (worker.folder / "late.py").write_text("import os\nos.environ['LATE'] = 'yes'\n")
    for _ in range(2):
        assert run("import late, os; return {'v': os.environ['LATE']}") == ({"v": "yes"}, [])


def test_processes_that_a_node_leaves_are_ended_and_named(worker, run):
    update, logged = run("""
import subprocess
subprocess.run(["true"])
children = [subprocess.Popen(["sleep", "955"]), subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 956 & sleep 956"])]
subprocess.Popen(["true"])
return {"pids": [child.pid for child in children]}""")
    assert len(logged) == 1 and logged[0].startswith("ended, as the node left it running: ") and "sleep 955" in logged[0]
    update, logged = run("""
import os
def state_of(pid):
    try: return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0]
    except OSError: return None
return {"states": [state_of(pid) for pid in state["pids"]],
        "zombies": [pid for pid in os.listdir("/proc") if pid.isdigit() and state_of(int(pid)) == "Z"
                    and int(open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()[1]) == os.getpid()]}""", update)
    assert update == {"states": [None, None], "zombies": []} and logged == []


def test_a_watch_over_hanging_does_not_end_the_next_call(run):
    run("import faulthandler; faulthandler.dump_traceback_later(0.2, exit=True)")
    assert run("import time; time.sleep(0.5); return {'n': 1}") == ({"n": 1}, [])


def test_a_pool_that_a_node_leaves_is_ended(worker, run):
    for _ in range(2):
        update, _ = run("""
import multiprocessing, sys
pool = sys.keep = multiprocessing.get_context("fork").Pool(2)
return {"v": pool.map(abs, [-1, 2]), "pids": [process.pid for process in pool._pool]}""")
        assert update["v"] == [1, 2]
        assert run("import os\nreturn {'left': [p for p in state['pids'] if os.path.exists('/proc/%d' % p)]}", update)[0] == {
            "left": []}


def test_what_nobody_can_put_back_ends_the_process(worker):
    end, before = worker.end(worker.call({"code": "import os\ndef execute(state): os.setsid()\n"}))
    if "error" in end:
        end, before = worker.end(worker.call({"code": "import os\ndef execute(state): os.setpgid(0, 0)\n"}))
    assert end["update"] == {}
    assert "the process of this node ends with it" in before[-1]["data"]
    assert worker.process.wait(10) == 0


def test_what_was_not_touched_costs_little():
    import time

    from millrace_worker.process_state import ProcessState
    state = ProcessState()
    state.keep()
    fastest = min(timed(state.put_back, time) for _ in range(20))
    # A few microseconds on a machine that does nothing else; what is ruled out is a look into the system.
    assert fastest < 50e-6, fastest


def timed(put_back, time):
    start = time.perf_counter()
    for _ in range(100):
        put_back(None)
    return (time.perf_counter() - start) / 100


def test_what_coroutines_have_changed_is_not_kept_when_a_module_is_loaded(worker):
    first = worker.call({"code": """
import asyncio, contextlib, io
async def execute(state):
    with contextlib.redirect_stdout(io.StringIO()):
        asyncio.get_running_loop().other = waiting = asyncio.Event()
        await waiting.wait()
"""})
    while "begun" not in worker.reply():
        pass
    second = worker.call({"code": """
import asyncio, sys
sys.path.append("/module")
async def execute(state): asyncio.get_running_loop().other.set()
"""})
    ends = 0
    while ends < 2:
        ends += "update" in worker.reply()
    end, before = worker.end(worker.call({"code": "import sys\ndef execute(state): print(sys.path[-1])"}))
    assert [output["data"] for output in before] == ["/module"], (first, second)
