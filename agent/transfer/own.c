#include "own.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* An address of either family in one form: IPv4 as the IPv6 that stands for it. */
struct own_end {
	struct in6_addr at;
	in_port_t port;
};

static bool own_read(const struct sockaddr *address, struct own_end *out)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	if (address->sa_family == AF_INET6) {
		memcpy(&six, address, sizeof(six));
		*out = (struct own_end){ six.sin6_addr, six.sin6_port };
	} else if (address->sa_family == AF_INET) {
		memcpy(&four, address, sizeof(four));
		*out = (struct own_end){ .port = four.sin_port };
		memset(&out->at.s6_addr[10], 0xff, 2);
		memcpy(&out->at.s6_addr[12], &four.sin_addr, 4);
	}
	return address->sa_family == AF_INET6 || address->sa_family == AF_INET;
}

static bool own_is_any(const struct own_end *end)
{
	static const unsigned char four[16] = { [10] = 0xff, [11] = 0xff };

	return IN6_IS_ADDR_UNSPECIFIED(&end->at) || !memcmp(&end->at, four, sizeof(four));
}

/* Is it an address of this machine? Only to such a one a socket can be bound. */
static bool own_is_here(const struct own_end *end)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = end->at };
	struct sockaddr_in four = { .sin_family = AF_INET };
	bool mapped = IN6_IS_ADDR_V4MAPPED(&end->at), here;
	int fd = socket(mapped ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return true; /* nobody knows: on the safe side */
	memcpy(&four.sin_addr, &end->at.s6_addr[12], 4);
	here = mapped ? !bind(fd, (struct sockaddr *)&four, sizeof(four))
		      : !bind(fd, (struct sockaddr *)&at, sizeof(at));
	close(fd);
	return here;
}

void own_add(struct own *o, int listening)
{
	struct sockaddr_storage *at = &o->at[o->count];
	socklen_t length = sizeof(*at);
	struct own_end end;

	if (o->count < OWN_MAX && !getsockname(listening, (struct sockaddr *)at, &length) &&
	    own_read((struct sockaddr *)at, &end))
		o->count++;
}

bool own_is(const struct own *o, const struct sockaddr *to)
{
	struct own_end end, mine;

	if (!own_read(to, &end))
		return false;
	for (uint32_t i = 0; i < o->count; i++) {
		if (!own_read((const struct sockaddr *)&o->at[i], &mine) || mine.port != end.port)
			continue;
		if (own_is_any(&end) || !memcmp(&mine.at, &end.at, sizeof(mine.at)) ||
		    (own_is_any(&mine) && own_is_here(&end)))
			return true;
	}
	return false;
}
