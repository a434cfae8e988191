#include "rulefiles.h"

#include "bundle.h"
#include "link.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void rulefiles_again(struct rulefiles *r)
{
	r->mark = 0;
}

void rulefiles_second(struct rulefiles *r)
{
	const struct link_message message = { .kind = LINK_RULES };
	uint64_t mark;
	int fd, result;

	if (!r->folder)
		return;
	mark = bundle_mark(r->folder);
	if (mark && mark == r->mark)
		return;
	result = bundle_make(r->folder, &fd);
	if (!result) {
		result = link_send(r->link, &message, fd);
		close(fd);
	}
	if (result && !r->failed && result != -EAGAIN) /* the worker is behind: in a second */
		log_error("alert rules in %s cannot be read: %s", r->folder,
			  strerrordesc_np(-result));
	r->failed = result && result != -EAGAIN;
	if (!result)
		r->mark = mark;
}
