#include "access.h"

#include "config.h"
#include "peer.h"
#include "token.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define ACCESS_GROUPS 1024
#define ACCESS_HOST 256

/* The name in a Host header, without its port; false: no such thing. */
static bool access_host_name(const char *host, char out[ACCESS_HOST])
{
	size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (!n || n > strlen(host) || n >= ACCESS_HOST)
		return false;
	memcpy(out, host, n);
	out[n] = '\0';
	if (!host[n])
		return true;
	host += n + 1;
	return host[-1] == ':' && *host && strlen(host) <= 5 &&
	       strspn(host, "0123456789") == strlen(host);
}

static bool access_is_loopback(const char *name)
{
	size_t n = strlen(name);
	struct in_addr v4;

	if (!strcasecmp(name, "localhost") || !strcasecmp(name, "localhost.") ||
	    !strcmp(name, "[::1]"))
		return true;
	if (n > 10 && !strcasecmp(name + n - 10, ".localhost"))
		return true;
	return inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static bool access_is_allowed(const struct access *a, const char *name)
{
	size_t count = config_count(a->config, CONFIG_HTTP_ALLOWED_HOSTS);

	for (size_t i = 0; i < count; i++) {
		if (!strcasecmp(config_item(a->config, CONFIG_HTTP_ALLOWED_HOSTS, i), name))
			return true;
	}
	return false;
}

static int access_check_host(const struct access *a, const struct request *r, struct refusal *no)
{
	char name[ACCESS_HOST];

	if (r->local)
		return 0; /* no browser reaches a Unix socket */
	if (r->host_twice || !r->host)
		return refuse(no, 403, "bad_host", "a request needs one Host header");
	if (!access_host_name(r->host, name))
		return refuse(no, 403, "bad_host", "the Host header holds no name");
	if (access_is_loopback(name) || !strcmp(name, r->local_host) || access_is_allowed(a, name))
		return 0;
	return refuse(no, 403, "bad_host",
		      "this Host is none of ours; if it should be, list it in http.allowed_hosts");
}

int access_check_sender(const struct access *a, const struct request *r, struct refusal *no)
{
	const char *at;

	if (access_check_host(a, r, no))
		return -EINVAL;
	if (!r->origin)
		return 0;
	at = strstr(r->origin, "://");
	if (at && r->host && !strcasecmp(at + 3, r->host) &&
	    (!strncasecmp(r->origin, "http:", 5) || !strncasecmp(r->origin, "https:", 6)))
		return 0;
	return refuse(no, 403, "bad_origin", "a page of another origin may not ask");
}

/* The token of an Authorization header, "": none. */
static const char *access_bearer(const struct request *r)
{
	const char *text = r->authorization;

	if (!text || strncasecmp(text, "Bearer ", 7) != 0)
		return "";
	text += 7;
	return text + strspn(text, " ");
}

bool access_is_privileged(const struct access *a, const struct request *r)
{
	return (r->local && r->member) || token_matches(a->token, access_bearer(r));
}

int access_check_reader(const struct access *a, const struct request *r, struct refusal *no)
{
	const char *read_token = config_text(a->config, CONFIG_HTTP_READ_TOKEN);

	if (!*read_token || r->local || access_is_privileged(a, r) ||
	    token_matches(read_token, access_bearer(r)))
		return 0;
	return refuse(no, 401, "token_needed",
		      "reading needs 'Authorization: Bearer' with the token of http.read_token");
}

int access_check_privileged(const struct access *a, const struct request *r, bool root,
			    struct refusal *no)
{
	char path[ACCESS_HOST];

	if (access_is_privileged(a, r) || (root && !r->local && peer_is_root(r->fd)))
		return 0;
	if (config_socket_path(a->config, path, sizeof(path)) || !strcmp(path, "none"))
		return refuse(
			no, 401, "privilege_needed",
			"this is for root and group ringside: curl -H \"Authorization: Bearer "
			"$(sudo cat %s/token)\" …",
			config_text(a->config, CONFIG_RUN_DIR));
	return refuse(no, 401, "privilege_needed",
		      "this is for root and group ringside: sudo curl --unix-socket %s "
		      "http://localhost%.*s",
		      path, (int)strcspn(r->target, "?"), r->target);
}

bool access_peer_is_member(int fd, gid_t group)
{
	struct ucred peer;
	gid_t groups[ACCESS_GROUPS];
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return false;
	if (peer.uid == 0)
		return true;
	if (group == (gid_t)-1)
		return false;
	if (peer.gid == group)
		return true;
	length = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length))
		return false;
	for (size_t i = 0; i < length / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}
