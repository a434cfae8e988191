"""servers - the table: how each server of the suite is started, logged and ended.

A recipe is given its Place (a folder, ports, the site) and gives back its command. Everything it
writes stays below that folder, which both runs of a server share, so that inodes and dates in
its replies are equal.
"""
import collections
import os
import shutil
import signal
from pathlib import Path

SITES = Path(__file__).resolve().parent / "sites"
PYTHON = "/usr/bin/python3"  # Debian's, for which Debian's modules are
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ["PATH"]
APACHE_MODULES = Path("/usr/lib/apache2/modules")

# method and status of a line of a server's own log, in the forms that servers have
COMMON = r'"(?P<method>[A-Z]+) [^"]*" (?P<status>\d{3})'
PLAIN = r"^(?P<method>[A-Z]+) (?P<status>\d{3})$"

Recipe = collections.namedtuple(
    "Recipe", "command needs modules log form stop without share visible environment noise "
    "backend default connections user keeps silent shuts streams bodies tls unlinked services unseen",
    defaults=(
        (),              # needs: programs and files
        (),              # modules: of Python
        None,            # log: its file, or "output"
        COMMON,          # form: what a request's line in it looks like
        signal.SIGTERM,  # stop
        {},              # without: scenes left out, and why
        1,               # share of the load, in the full form
        True,            # visible: to a preload
        {},              # environment
        None,            # noise: lines of its output that differ from run to run without us
        None,            # backend: what stands behind it, never preloaded
        False,           # default: one of the dozen of every run
        8,               # connections of the load
        False,           # user: it drops its rights itself, and its folder is the world's
        True,            # keeps: an HTTP/1.0 client's connection too, when that asks for it
        0,               # silent: replies not logged, to the client that left in the middle
        False,           # shuts: it closes after each reply without saying so in its head
        False,           # streams: with a length or in chunks, as its own threads have it
        False,           # bodies: behind the head of its answer to HEAD too: unparsed, and told
        False,           # tls: it is spoken to by TLS
        False,           # unlinked: its TLS library cannot be seen, each connection says so
        (),              # services: each of them has every request; (): all of them together do
        (),              # unseen: ways of moving bytes in use that no preload sees, as is told
    ))


class Place:
    """Where a server lives: its folder, its ports and the site."""

    def __init__(self, folder, www, port):
        self.folder = folder
        self.www = www
        self.port = port
        self.backend = 0
        self.certificate = folder.parent / "certificate.pem"  # and its key, in one file

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def script(self, name, text):
        path = self.write(name, text)
        path.chmod(0o755)
        return path


def cgi(place):
    """The two scripts of servers that have no application in them."""
    folder = place.folder / "cgi"
    folder.mkdir(exist_ok=True)
    (folder / "post").write_text(
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nwc -c\n"
        "sleep 0.1\n")  # else it is a race whether Apache sees the end in time to know the length
    (folder / "chunk").write_text(
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\na'\n"
        "sleep 0.1\nprintf bc\nsleep 0.1\nprintf def\n")
    for script in folder.iterdir():
        script.chmod(0o755)
    return folder


NGINX = """\
{user}
worker_processes {workers};
worker_shutdown_timeout 2s;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{
	worker_connections 512;
	{events}
}}
http {{
	{http}
	default_type application/octet-stream;
	log_format line '$request_method $status';
	access_log {folder}/access.log line;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{port}{listen};
		root {www};
		{locations}
	}}
}}
"""
NGINX_SITE = """
		location = /post { return 200 "posted\\n"; }
		location = /chunk { alias %s/small.txt; gzip on; gzip_types *; gzip_min_length 1; }
"""


def nginx_config(place, name, port, http="sendfile on; tcp_nopush on;", events="", listen="",
                 locations=None, workers=2):
    return place.write(name, NGINX.format(
        user="user www-data;", workers=workers, folder=place.folder, port=port, http=http,
        events=events, listen=listen, www=place.www,
        locations=NGINX_SITE % place.www if locations is None else locations))


def nginx(**options):
    return lambda place: ["nginx", "-c", nginx_config(place, "nginx.conf", place.port, **options)]


def nginx_proxy(place):
    config = nginx_config(
        place, "nginx.conf", place.port, http=f"upstream one {{ server 127.0.0.1:{place.backend}; "
        "keepalive 8; }", locations="location / { proxy_pass http://one; proxy_http_version 1.1; "
        'proxy_set_header Connection ""; proxy_set_header Accept-Encoding $http_accept_encoding; }')
    return ["nginx", "-c", config]


def nginx_php(place):
    """nginx in front of php-fpm, which is preloaded too and serves the same requests by FastCGI."""
    pool = place.write("fpm.conf", f"""\
[global]
daemonize = no
error_log = {place.folder}/fpm.log
[www]
user = www-data
listen = {place.folder}/fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 2
env[SITE_WWW] = {place.www}
""")
    config = nginx_config(place, "nginx.conf", place.port, locations=f"""
		location / {{
			include /etc/nginx/fastcgi_params;
			fastcgi_param SCRIPT_FILENAME {SITES}/router.php;
			fastcgi_pass unix:{place.folder}/fpm.sock;
		}}""")
    return [place.script("both", f"""\
#!/bin/sh
php-fpm8.2 --nodaemonize --fpm-config {pool} &
fpm=$!
nginx -c {config} &
trap 'kill -QUIT $!; kill -TERM $fpm' TERM
wait
wait
""")]


# As many workers to the end as at the start: one that retires is woken by a request of Apache's own,
# which no client made, and the first handshake of one that comes later may be ahead of the agent.
APACHE = """\
ServerRoot {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
ServerName localhost
User www-data
Group www-data
Listen 127.0.0.1:{port}
{modules}
EnableSendfile On
DocumentRoot {www}
StartServers 2
<IfModule mpm_prefork_module>
	MaxSpareServers 250
</IfModule>
<IfModule !mpm_prefork_module>
	MinSpareThreads 25
</IfModule>
ScriptAlias /post {cgi}/post
ScriptAlias /chunk {cgi}/chunk
LogFormat "%m %>s" line
CustomLog {folder}/access.log line
<Directory />
	Require all granted
</Directory>
"""


def apache(model):
    def command(place):
        modules = "\n".join(f"LoadModule {x}_module {APACHE_MODULES}/mod_{x}.so" for x in (
            f"mpm_{model}", "authz_core", "alias", "cgi" if model == "prefork" else "cgid"))
        if model != "prefork":
            modules += f"\nScriptSock {place.folder}/cgid.sock"
        config = place.write("apache.conf", APACHE.format(
            folder=place.folder, port=place.port, www=place.www, cgi=cgi(place), modules=modules))
        return ["apache2", "-f", config, "-DFOREGROUND"]
    return command


def apache_wsgi(place):
    """Applications in daemons of their own, asked over a Unix socket in a protocol of mod_wsgi's."""
    (*rest, config, how) = apache("event")(place)
    aliases = "\n".join(x for x in config.read_text().splitlines() if "ScriptAlias" not in x)
    config.write_text(aliases + f"""
LoadModule wsgi_module {APACHE_MODULES}/mod_wsgi.so
WSGIDaemonProcess site processes=2 threads=3 python-path={SITES}
WSGIProcessGroup site
WSGIApplicationGroup %{{GLOBAL}}
WSGISocketPrefix {place.folder}/wsgi
WSGIScriptAlias / {SITES}/app.py/
WSGICallableObject wsgi
""")
    return [*rest, config, how]


def lighttpd(place):
    return ["lighttpd", "-D", "-f", place.write("lighttpd.conf", f"""\
server.modules = ("mod_access", "mod_alias", "mod_cgi", "mod_accesslog")
server.document-root = "{place.www}"
server.bind = "127.0.0.1"
server.port = {place.port}
server.username = "www-data"
server.groupname = "www-data"
server.errorlog = "{place.folder}/error.log"
server.upload-dirs = ("{place.folder}")
server.stream-response-body = 1
accesslog.filename = "{place.folder}/access.log"
accesslog.format = "%m %s"
alias.url = ("/post" => "{cgi(place)}/post", "/chunk" => "{cgi(place)}/chunk")
$HTTP["url"] =~ "^/(post|chunk)$" {{ cgi.assign = ("" => "") }}
""")]


def lighttpd_workers(place):
    (*rest, config) = lighttpd(place)
    config.write_text(config.read_text() + "server.max-worker = 2\n")
    return [*rest, config]




def nginx_stream(place):
    """What it passes on by TCP is HTTP, and counted."""
    return ["nginx", "-c", place.write("nginx.conf", f"""\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes 2;
pid {place.folder}/nginx.pid;
error_log {place.folder}/error.log;
events {{
}}
stream {{
	server {{
		listen 127.0.0.1:{place.port};
		proxy_pass 127.0.0.1:{place.backend};
	}}
}}
""")]


def haproxy(place, threads=1):
    """With more than one thread it leaves out lines of its log, where one finds the other writing."""
    return ["haproxy", "-db", "-f", place.write("haproxy.conf", f"""\
global
	user www-data
	group www-data
	nbthread {threads}
	log stdout len 512 format raw local0
defaults
	mode http
	log global
	log-format "%HM %ST"
	option splice-auto
	option dontlognull
	timeout connect 5s
	timeout client 10s
	timeout server 10s
listen site
	bind 127.0.0.1:{place.port}
	server one 127.0.0.1:{place.backend}
""")]


def varnish(place):
    vcl = place.write("site.vcl", f"""\
vcl 4.1;
backend one {{ .host = "127.0.0.1"; .port = "{place.backend}"; }}
sub vcl_backend_response {{ if (bereq.url == "/big.bin") {{ set beresp.do_stream = true; }} }}
""")
    return ["varnishd", "-F", "-j", "none", "-n", place.folder / "varnish", "-f", vcl,
            "-a", f"127.0.0.1:{place.port}", "-s", "malloc,64m"]


def tinyproxy(place):
    """As a reverse proxy."""
    return ["tinyproxy", "-d", "-c", place.write("tinyproxy.conf", f"""\
Port {place.port}
Listen 127.0.0.1
Timeout 10
MaxClients 50
LogFile "{place.folder}/tinyproxy.log"
PidFile "{place.folder}/tinyproxy.pid"
ReversePath "/" "http://127.0.0.1:{place.backend}/"
ReverseOnly Yes
""")]


def squid(place):
    """As an accelerator."""
    return ["squid", "-N", "-f", place.write("squid.conf", f"""\
http_port 127.0.0.1:{place.port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent {place.backend} 0 no-query originserver
http_access allow all
pid_filename {place.folder}/squid.pid
coredump_dir {place.folder}
cache_log {place.folder}/cache.log
logformat line %rm %>Hs
access_log stdio:{place.folder}/access.log line
cache deny all
shutdown_lifetime 0 seconds
icon_directory /usr/share/squid/icons
pinger_enable off
visible_hostname site
""")]


def h2o(place):
    return ["h2o", "-c", place.write("h2o.conf", f"""\
user: www-data
num-threads: 2
pid-file: {place.folder}/h2o.pid
listen:
  host: 127.0.0.1
  port: {place.port}
access-log:
  path: {place.folder}/access.log
  format: "%m %s"
hosts:
  default:
    paths:
      /:
        file.dir: {place.www}
""")]


def caddy(place):
    return ["caddy", "run", "--adapter", "caddyfile", "--config", place.write("Caddyfile", f"""\
{{
	admin off
	auto_https off
}}
http://127.0.0.1:{place.port} {{
	root * {place.www}
	file_server
}}
""")]


def jetty(place):
    """Its own distribution with one folder of files as its web application."""
    home = "/usr/share/jetty9"
    (place.folder / "webapps").mkdir(exist_ok=True)
    if not (place.folder / "webapps" / "root").exists():
        shutil.copytree(place.www, place.folder / "webapps" / "root")
    place.write("start.ini", f"""\
--module=http
--module=deploy
jetty.http.host=127.0.0.1
jetty.http.port={place.port}
""")
    return ["java", "-jar", f"{home}/start.jar", f"jetty.home={home}", f"jetty.base={place.folder}"]


def busybox(place):
    return ["busybox", "httpd", "-f", "-p", f"127.0.0.1:{place.port}", "-h", place.www]


NGINX_LOG = {"log": "access.log", "form": PLAIN, "needs": ("nginx",), "user": True}
APACHE_LOG = {"log": "access.log", "form": PLAIN, "needs": ("apache2", APACHE_MODULES),
              "user": True}

SERVERS = {
    "nginx": Recipe(nginx(), default=True, share=3, **NGINX_LOG),
    "nginx-aio": Recipe(nginx(http="sendfile off; aio threads;", events="multi_accept on;"),
                        share=2, **NGINX_LOG),
    "nginx-reuseport": Recipe(nginx(listen=" reuseport"), share=2, **NGINX_LOG),
    "nginx-proxy": Recipe(nginx_proxy, backend="nginx", default=True, share=2, **NGINX_LOG),
    "nginx-php": Recipe(nginx_php, log="access.log", form=PLAIN, needs=("nginx", "php-fpm8.2"),
                        user=True, services=("nginx", "php-fpm8.2")),
    "apache-prefork": Recipe(apache("prefork"), **APACHE_LOG),
    "apache-worker": Recipe(apache("worker"), share=2, **APACHE_LOG),
    "apache-event": Recipe(apache("event"), default=True, share=2, **APACHE_LOG),
    "apache-wsgi": Recipe(apache_wsgi, log="access.log", form=PLAIN, user=True,
                          needs=("apache2", APACHE_MODULES / "mod_wsgi.so")),
    "lighttpd": Recipe(lighttpd, ("lighttpd",), log="access.log", form=PLAIN, default=True,
                       share=3, user=True),
    "haproxy": Recipe(haproxy, ("haproxy", "nginx"), log="output", form=PLAIN, backend="nginx",
                      default=True, share=2),
    "haproxy-threads": Recipe(lambda p: haproxy(p, 4), ("haproxy", "nginx"), form=PLAIN,
                              noise=PLAIN, backend="nginx"),
    "varnish": Recipe(varnish, ("varnishd", "nginx", "gcc"), backend="nginx", default=True,
                      share=2, streams=True),
    "tinyproxy": Recipe(tinyproxy, ("tinyproxy", "nginx"), backend="nginx", shuts=True),
    "squid": Recipe(squid, ("squid", "nginx"), log="access.log", form=PLAIN, backend="nginx",
                    user=True),
    "h2o": Recipe(h2o, ("h2o",), log="access.log", form=PLAIN, share=3, user=True,
                  noise="gracefully"),  # said or not, as its threads end
    "jetty": Recipe(jetty, ("java", "/usr/share/jetty9/start.jar"), noise="INFO"),
    "lighttpd-workers": Recipe(lighttpd_workers, ("lighttpd",), log="access.log", form=PLAIN,
                               user=True),
    "nginx-stream": Recipe(nginx_stream, ("nginx", "/usr/lib/nginx/modules/ngx_stream_module.so"),
                           backend="nginx"),
    "socat": Recipe(lambda p: ["socat", f"TCP-LISTEN:{p.port},bind=127.0.0.1,fork,backlog=64",
                               f"TCP:127.0.0.1:{p.backend}"], ("socat", "nginx"), backend="nginx",
                    noise="Connection reset|Broken pipe"),  # how a client left
    "sslh": Recipe(lambda p: ["sslh", "-f", "-u", "root", "-p", f"127.0.0.1:{p.port}", "--http",
                              f"127.0.0.1:{p.backend}"], ("sslh", "nginx"), backend="nginx",
                   noise="connection from"),  # in a child's buffer when it is ended
    "pen": Recipe(lambda p: ["pen", "-f", "-r", f"127.0.0.1:{p.port}", f"127.0.0.1:{p.backend}"],
                  ("pen", "nginx"), backend="nginx"),
    "caddy": Recipe(caddy, ("caddy",), visible=False),
    "busybox": Recipe(busybox, ("busybox",), default=True, bodies=True),
    "mini-httpd": Recipe(lambda p: ["mini_httpd", "-D", "-h", "127.0.0.1", "-p", p.port, "-d",
                                    p.www, "-l", p.folder / "access.log"],
                         ("mini_httpd",), log="access.log",
                         form=r'"(?P<method>GET|HEAD|POST) [^"]*" (?P<status>\d{3})'),
    "webfs": Recipe(lambda p: ["webfsd", "-F", "-i", "127.0.0.1", "-p", p.port, "-r", p.www, "-4"],
                    ("webfsd",), without={"post": "its answer is lost with the body unread"}),
    "civetweb": Recipe(lambda p: ["civetweb", "-listening_ports", f"127.0.0.1:{p.port}",
                                  "-document_root", p.www, "-access_log_file",
                                  p.folder / "access.log", "-num_threads", "10",
                                  "-enable_keep_alive", "yes"],
                       ("civetweb",), log="access.log"),
}


def missing(recipe):
    """What a recipe needs and this machine has not."""
    def there(what):
        return Path(what).exists() if "/" in str(what) else shutil.which(what, path=PATH)
    return [str(x) for x in recipe.needs if not there(x)]
