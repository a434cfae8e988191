"""uncommon - the table, continued: servers that no recipe of ours names, as a newcomer tries them."""
import shutil
import signal

from languages import PYTHONIC, compiled, plackup, python
from servers import (APACHE_LOG, APACHE_MODULES, COMMON, NGINX_LOG, PLAIN, PYTHON, SITES, Recipe,
                     apache, cgi, nginx_config)


def apache_itk(place):
    """A child for each connection, forked behind a seccomp filter that lets our calls through."""
    (*rest, config, how) = apache("prefork")(place)
    config.write_text(config.read_text() + f"""\
LoadModule mpm_itk_module {APACHE_MODULES}/mpm_itk.so
AssignUserID www-data www-data
""")
    return [*rest, config, how]


def nghttpx(place):
    return ["nghttpx", "--conf=/dev/null", f"--frontend=127.0.0.1,{place.port};no-tls",
            f"--backend=127.0.0.1,{place.backend}", "--workers=2", "--log-level=FATAL",
            f"--accesslog-file={place.folder}/access.log", "--accesslog-format=$method $status"]


def traffic_server(place):
    """As a reverse proxy that keeps nothing."""
    folder = place.folder
    for name in ("etc", "run", "log", "cache"):
        (folder / name).mkdir(exist_ok=True)
    shutil.copytree("/etc/trafficserver", folder / "etc", dirs_exist_ok=True)
    place.write("etc/remap.config", f"map / http://127.0.0.1:{place.backend}/\n")
    place.write("etc/storage.config", f"{folder}/cache 16M\n")
    place.write("etc/records.config", f"""\
CONFIG proxy.config.http.server_ports STRING {place.port}:ip-in=127.0.0.1
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 2
""")
    folders = {"prefix": "", "bindir": "/usr/bin", "sysconfdir": "/etc", "runtimedir": "/run",
               "logdir": "/log", "cachedir": "/cache", "localstatedir": "", "datadir": "",
               "libexecdir": "", "includedir": "", "libdir": ""}
    layout = place.write("runroot.yaml", "".join(
        f"{k}: {v if k == 'bindir' else f'{folder}{v}'}\n" for k, v in folders.items()))
    return ["traffic_server", f"--run-root={layout}"]


def tomcat(place):
    """It listens once its one application, a folder of files, is there."""
    for name in ("conf", "logs", "temp", "work"):
        (place.folder / name).mkdir(exist_ok=True)
    shutil.copytree(place.www, place.folder / "webapps" / "ROOT", dirs_exist_ok=True)
    place.write("conf/web.xml", """\
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0"><servlet>
<servlet-name>default</servlet-name>
<servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class></servlet>
<servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>
""")
    place.write("conf/server.xml", f"""\
<Server port="-1"><Service name="Catalina">
<Connector port="{place.port}" address="127.0.0.1" protocol="HTTP/1.1" bindOnInit="false"/>
<Engine name="Catalina" defaultHost="localhost">
<Host name="localhost" appBase="webapps" autoDeploy="false">
<Valve className="org.apache.catalina.valves.AccessLogValve" prefix="access" suffix=".log"
	pattern="%m %s" rotatable="false"/></Host></Engine></Service></Server>
""")
    return ["env", f"CATALINA_BASE={place.folder}", "/usr/share/tomcat10/bin/catalina.sh", "run"]


def yaws(place):
    return ["yaws", "-i", "--erlarg", "-noinput", "--conf", place.write("yaws.conf", f"""\
logdir = {place.folder}
ebin_dir = {place.folder}
auth_log = false
<server site>
	port = {place.port}
	listen = 127.0.0.1
	docroot = {place.www}
</server>
""")]


def nginx_cgi(place):
    """nginx in front of fcgiwrap, which forks its scripts."""
    socket, scripts = place.folder / "cgi.sock", cgi(place)
    config = nginx_config(place, "nginx.conf", place.port, locations=f"""
		location ~ ^/(post|chunk)$ {{
			include /etc/nginx/fastcgi_params;
			fastcgi_param SCRIPT_FILENAME {scripts}$uri;
			fastcgi_pass unix:{socket};
		}}""")
    return [place.script("both", f"""\
#!/bin/sh
rm -f {socket}
(umask 0; exec fcgiwrap -c 2 -s unix:{socket}) &
cgi=$!
nginx -c {config} &
trap 'kill -QUIT $!; kill -TERM $cgi' TERM
wait
wait
""")]


def inline(text):
    """Debian's Python with a line or two that begin the site's application."""
    return lambda place: [PYTHON, "-c", text.format(port=place.port)]


UNCOMMON = {
    "apache-itk": Recipe(apache_itk, streams=True, **{
        **APACHE_LOG, "needs": ("apache2", APACHE_MODULES / "mpm_itk.so")}),
    "nghttpx": Recipe(nghttpx, ("nghttpx", "nginx"), log="access.log", form=PLAIN,
                      backend="nginx", default=True,
                      noise="NOTICE|IPC socket"),  # with a random word
    "evhttp": Recipe(compiled("cc", "event.c", "-O2", "-Wl,--no-as-needed", "-levent"),
                     ("cc", "/usr/include/event2/http.h"), default=True),
    "twiggy": Recipe(plackup("Twiggy"), ("plackup", "twiggy"), noise="Deep recursion",
                     without={"cut": "watched or not it refuses a head that is cut within the end of "
                                     "a line, unless the rest is there by the time it looks"}),
    "traffic-server": Recipe(traffic_server, ("traffic_server", "nginx"), backend="nginx", share=2,
                             without={name: "it answers once the server behind it did, and closes or "
                                            "not by how much of the body had come, watched or not"
                                      for name in ("post", "post_chunked", "post_expecting")}),
    "tomcat": Recipe(tomcat, ("java", "/usr/share/tomcat10/bin/catalina.sh"),
                     log="logs/access.log", form=PLAIN,
                     noise="INFO|NOTE|^Using|org.apache|SecureRandom"),
    "yaws": Recipe(yaws, ("yaws",), noise="Eshell|Terminating|=INFO"),
    "nginx-cgi": Recipe(nginx_cgi, services=("nginx",),
                        **{**NGINX_LOG, "needs": ("nginx", "fcgiwrap")}),
    "daphne": Recipe(python("daphne", "-b", "127.0.0.1", "-p", "{p.port}", "--access-log",
                            "{p.folder}/access.log", "app:asgi"), modules=("daphne",),
                     log="access.log", **PYTHONIC),
    "gevent": Recipe(inline("import app, gevent.pywsgi as g\n"
                            "g.WSGIServer(('127.0.0.1', {port}), app.wsgi).serve_forever()"),
                     modules=("gevent",), noise=COMMON, **PYTHONIC),
    "wsgiref": Recipe(inline("import app, wsgiref.simple_server as s\n"
                             "s.make_server('127.0.0.1', {port}, app.wsgi).serve_forever()"),
                      log="output", silent=1, **PYTHONIC),
    "guile": Recipe(lambda p: ["guile", "--no-auto-compile", SITES / "site.scm", p.port],
                    ("guile",), without={"post_chunked": "it answers the body too"}),
    "prolog": Recipe(lambda p: ["swipl", "-q", SITES / "site.prolog", p.port], ("swipl",),
                     stop=signal.SIGKILL),  # it waits for its threads, which wait
}
