"""languages - the table, continued: servers that run the site's program in a language."""
import signal

from servers import COMMON, PLAIN, PYTHON, SITES, Recipe

PYTHONIC = {"needs": (PYTHON,), "environment": {"PYTHONPATH": str(SITES),
                                                "PYTHONDONTWRITEBYTECODE": "1",
                                                "PYTHONUNBUFFERED": "1"}}
ONE_BY_ONE = {"connections": 1}  # the load too: a server of one connection at a time


def program(name):
    """A server class of Python that site's program begins."""
    return lambda place: [PYTHON, SITES / "app.py", name, place.port]


def python(module, *arguments):
    return lambda place: [PYTHON, "-m", module, *(str(x).format(p=place) for x in arguments)]


def gunicorn(kind, *options):
    return python("gunicorn", "-b", "127.0.0.1:{p.port}", "-k", kind, "-w", "2", "--access-logfile",
                  "{p.folder}/access.log", "--access-logformat", "%(m)s %(s)s", "--log-level",
                  "warning", *options, "app:wsgi")


def uvicorn(loop, parser):
    return python("uvicorn", "--host", "127.0.0.1", "--port", "{p.port}", "--loop", loop, "--http",
                  parser, "--lifespan", "off", "app:asgi")


def uwsgi(plugins, *how):
    return lambda place: [
        "uwsgi", "--plugin", plugins, *how, f"127.0.0.1:{place.port}", "--wsgi-file",
        SITES / "app.py", "--callable", "wsgi", "--master", "--processes", "2", "--die-on-term",
        "--need-app", "--log-format", "%(method) %(status)", "--req-logger",
        f"file:{place.folder}/access.log"]


def java(site):
    return lambda place: ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", SITES / site,
                          place.port]


def compiled(compiler, source, *options):
    """A program that is compiled once, in its folder."""
    def command(place):
        made = place.folder / "site"
        return [place.script("begin", f"""\
#!/bin/sh
[ -x {made} ] || LD_PRELOAD= {compiler} {' '.join(options)} -o {made} {SITES / source} || exit 1
exec {made} {place.port}
""")]
    return command


def puma(*options):
    return lambda place: ["puma", "-b", f"tcp://127.0.0.1:{place.port}", "-e", "production", "-C",
                          "-", *options, SITES / "config.ru"]


def unicorn(place):
    config = place.write("unicorn.rb", f"worker_processes 2\nlisten '127.0.0.1:{place.port}'\n")
    return ["unicorn", "-E", "none", "-c", config, SITES / "config.ru"]


def plackup(server, *options):
    return lambda place: ["plackup", "-s", server, "--host", "127.0.0.1", "--port", place.port,
                          "-E", "none", *options, SITES / "app.psgi"]


def rainbows(model):
    def command(place):
        config = place.write("rainbows.rb",
                             f"Rainbows! {{ use :{model} }}\nworker_processes 2\n")
        return ["rainbows", "-E", "none", "-l", f"127.0.0.1:{place.port}", "-c", config,
                SITES / "config.ru"]
    return command


def activated(place):
    """gunicorn with its socket handed down, as systemd does it."""
    return [PYTHON, "-c", f"""\
import os, socket
listener = socket.create_server(('127.0.0.1', {place.port}), backlog=64)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv('{PYTHON}', ['{PYTHON}', '-m', 'gunicorn', '-k', 'sync', '-w', '2', '--log-level',
                      'warning', '--access-logfile', '{place.folder}/access.log',
                      '--access-logformat', '%(m)s %(s)s', 'app:wsgi'])
"""]


GUNICORN = {"log": "access.log", "form": PLAIN, "silent": 1, **PYTHONIC}

UWSGI = {"needs": ("uwsgi", "/usr/lib/uwsgi/plugins/python3_plugin.so"),
         "noise": "write error|SIGPIPE|uwsgi_response_sendfile_do",  # how a client left
         "environment": PYTHONIC["environment"]}

PHP = {"without": {"cut": "it refuses a method that comes in two packets"},
       "noise": "Accepted|Closing|Closed without"}

LANGUAGES = {
    "node": Recipe(lambda p: ["node", SITES / "site.js", p.port], ("node",), default=True, share=2),
    "node-cluster": Recipe(lambda p: ["node", SITES / "site.js", p.port, "cluster"], ("node",),
                           default=True, share=2),
    "node-cluster-none": Recipe(  # its workers accept themselves, by a listener handed to them
        lambda p: ["node", SITES / "site.js", p.port, "cluster"], ("node",), share=2,
        environment={"NODE_CLUSTER_SCHED_POLICY": "none"}),
    "node-io-uring": Recipe(  # its files alone move by rings
        lambda p: ["node", SITES / "site.js", p.port], ("node",), share=2,
        environment={"UV_USE_IO_URING": "1"}, unseen=("io_uring",)),
    "python-http": Recipe(program("http"), log="output", keeps=False, **PYTHONIC,
                          **ONE_BY_ONE),
    "python-threading": Recipe(program("threading"), log="output", default=True, keeps=False,
                               **PYTHONIC),
    "gunicorn-sync": Recipe(gunicorn("sync"), modules=("gunicorn",), **GUNICORN),
    "gunicorn-gthread": Recipe(gunicorn("gthread", "--threads", "4"), modules=("gunicorn",),
                               default=True, **GUNICORN),
    "gunicorn-gevent": Recipe(gunicorn("gevent"), modules=("gunicorn", "gevent"), default=True,
                              **GUNICORN),
    "gunicorn-eventlet": Recipe(gunicorn("eventlet"), modules=("gunicorn", "eventlet"), **GUNICORN),
    "gunicorn-tornado": Recipe(gunicorn("tornado"), modules=("gunicorn", "tornado"), **PYTHONIC),
    "gunicorn-uvicorn": Recipe(
        python("gunicorn", "-b", "127.0.0.1:{p.port}", "-k", "uvicorn.workers.UvicornWorker", "-w",
               "2", "--log-level", "warning", "app:asgi"),
        modules=("gunicorn", "uvicorn"), **PYTHONIC),
    "gunicorn-activated": Recipe(activated, modules=("gunicorn",), **GUNICORN),
    "uvicorn-uvloop": Recipe(uvicorn("uvloop", "httptools"), log="output", default=True,
                             modules=("uvicorn", "uvloop", "httptools"), **PYTHONIC),
    "uvicorn-asyncio": Recipe(uvicorn("asyncio", "h11"), modules=("uvicorn", "h11"), log="output",
                              noise="socket.send.. raised exception", **PYTHONIC),
    "hypercorn": Recipe(python("hypercorn", "-b", "127.0.0.1:{p.port}", "-w", "2", "app:asgi"),
                        modules=("hypercorn",), shuts=True, **PYTHONIC),
    "aiohttp": Recipe(program("aiohttp"), modules=("aiohttp",), **PYTHONIC),
    "tornado": Recipe(program("tornado"), modules=("tornado",), **PYTHONIC),
    "bottle": Recipe(program("bottle"), modules=("bottle",), log="output", silent=1, **PYTHONIC,
                     **ONE_BY_ONE),
    "cherrypy": Recipe(program("cherrypy"), modules=("cheroot",), **PYTHONIC),
    "eventlet": Recipe(program("eventlet"), modules=("eventlet",), log="output", **PYTHONIC),
    "werkzeug": Recipe(program("werkzeug"), modules=("werkzeug",), log="output", **PYTHONIC),
    "waitress": Recipe(python("waitress", "--listen", "127.0.0.1:{p.port}", "app:wsgi"),
                       modules=("waitress",), noise="queue depth",
                       without={"head": "it closes behind a body that is shorter than promised"},
                       **PYTHONIC),
    "twisted": Recipe(python("twisted", "web", "--listen", "tcp:{p.port}:interface=127.0.0.1",
                             "--path", "{p.www}"), modules=("twisted",), log="output", silent=1,
                      **PYTHONIC),
    "uwsgi": Recipe(uwsgi("python3,logfile", "--http-socket"), log="access.log", form=PLAIN,
                    default=True, shuts=True, **UWSGI),
    "uwsgi-router": Recipe(uwsgi("python3,http,logfile", "--http-keepalive", "--http"), **UWSGI),
    "php": Recipe(lambda p: ["php", "-S", f"127.0.0.1:{p.port}", SITES / "router.php"], ("php",),
                  log="output", form=r"\] (?P<method>[A-Z]+) (?P<status>\d{3})$", default=True,
                  silent=1, **PHP),
    "php-workers": Recipe(lambda p: ["php", "-S", f"127.0.0.1:{p.port}", SITES / "router.php"],
                          ("php",), environment={"PHP_CLI_SERVER_WORKERS": "2"}, **PHP),
    "java": Recipe(java("Site.java"), ("java",), share=2),
    "java-channels": Recipe(java("Channels.java"), ("java",), share=2),
    "webrick": Recipe(lambda p: ["ruby", SITES / "webrick.rb", p.port], ("ruby",), log="output"),
    "puma": Recipe(puma("-t", "4:4"), ("puma",), default=True),
    "puma-cluster": Recipe(puma("-w", "2", "-t", "2:2"), ("puma",)),
    "thin": Recipe(lambda p: ["thin", "start", "-a", "127.0.0.1", "-p", str(p.port), "-e", "none",
                              "-R", SITES / "config.ru"], ("thin",)),
    "unicorn": Recipe(unicorn, ("unicorn",)),
    "rainbows": Recipe(rainbows("ThreadPool"), ("rainbows",)),
    "rainbows-em": Recipe(rainbows("EventMachine"), ("rainbows",)),
    "starman": Recipe(lambda p: ["starman", "--listen", f"127.0.0.1:{p.port}", "--workers", "4",
                                 "--access-log", p.folder / "access.log", SITES / "app.psgi"],
                      ("starman",), log="access.log", form=COMMON, default=True),
    "starlet": Recipe(plackup("Starlet", "--max-workers", "3"),
                      ("plackup", "/usr/share/perl5/Plack/Handler/Starlet.pm"), keeps=False),
    "mojolicious": Recipe(lambda p: ["perl", SITES / "mojo.pl", "daemon", "-m", "production", "-l",
                                     f"http://127.0.0.1:{p.port}"], ("mojo",), keeps=False),
    "mojolicious-prefork": Recipe(lambda p: [
        "perl", SITES / "mojo.pl", "prefork", "-m", "production", "-w", "2", "-P",
        p.folder / "mojo.pid", "-l", f"http://127.0.0.1:{p.port}"], ("mojo",), keeps=False),
    "http-daemon": Recipe(lambda p: ["perl", SITES / "daemon.pl", p.port],
                          ("/usr/share/perl5/HTTP/Daemon.pm",), keeps=False, **ONE_BY_ONE),
    "rust": Recipe(compiled("rustc", "site.rs", "-O"), ("rustc",), share=2),
    "go": Recipe(compiled("go build", "site.go"), ("go",), visible=False),
    "erlang": Recipe(lambda p: ["escript", SITES / "site.erl", p.port, p.folder, p.www],
                     ("escript",), shuts=True),
}

for each in LANGUAGES.values():
    each.environment.setdefault("LANG", "C.UTF-8")
