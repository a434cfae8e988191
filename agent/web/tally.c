#include "tally.h"

#include <stddef.h>

#define TALLY_CUT "ringside_web_connections_cut"
#define TALLY_CUT_HELP "Connections to the API that were cut, by reason."

static const struct tally_info tally_table[TALLY_KINDS] = {
	[TALLY_REPLIES_2XX] = { "ringside_web_replies", "class", "2xx", "Replies of the API.",
				"replies" },
	[TALLY_REPLIES_3XX] = { "ringside_web_replies", "class", "3xx", "Replies of the API.",
				"replies" },
	[TALLY_REPLIES_4XX] = { "ringside_web_replies", "class", "4xx", "Replies of the API.",
				"replies" },
	[TALLY_REPLIES_5XX] = { "ringside_web_replies", "class", "5xx", "Replies of the API.",
				"replies" },
	[TALLY_RENDERED] = { "ringside_web_documents", "from", "rendered",
			     "Documents served, rendered anew or as they stood.", "documents" },
	[TALLY_SHELF] = { "ringside_web_documents", "from", "shelf",
			  "Documents served, rendered anew or as they stood.", "documents" },
	[TALLY_CONNECTIONS] = { "ringside_web_connections", NULL, NULL,
				"Connections to the API that were accepted.", "connections" },
	/* no whole request in time */
	[TALLY_CUT_SLOW] = { TALLY_CUT, "reason", "slow", TALLY_CUT_HELP, "connections" },
	/* kept open and not used */
	[TALLY_CUT_IDLE] = { TALLY_CUT, "reason", "idle", TALLY_CUT_HELP, "connections" },
	/* a reply that its client did not read in time */
	[TALLY_CUT_UNREAD] = { TALLY_CUT, "reason", "unread", TALLY_CUT_HELP, "connections" },
	/* kept open and not used when others wanted in */
	[TALLY_CUT_ROOM] = { TALLY_CUT, "reason", "room", TALLY_CUT_HELP, "connections" },
	/* a body without end */
	[TALLY_CUT_BODY] = { TALLY_CUT, "reason", "body", TALLY_CUT_HELP, "connections" },
	[TALLY_CUT_MEMORY] = { TALLY_CUT, "reason", "memory", TALLY_CUT_HELP, "connections" },
	[TALLY_ROUTES] = { "ringside_web_routes_omitted", NULL, NULL,
			   "Routes that found no room in a reply of /metrics.", "routes" },
	[TALLY_STREAMS] = { "ringside_web_event_streams", "result", "served",
			    "Clients that asked for events.", "clients" },
	[TALLY_STREAMS_REFUSED] = { "ringside_web_event_streams", "result", "refused",
				    "Clients that asked for events.", "clients" },
	[TALLY_EVENTS_LOST] = { "ringside_web_events_lost", NULL, NULL,
				"Events that clients were too slow for, of all of them.",
				"events" },
};

const struct tally_info *tally_info(enum tally_kind kind)
{
	return &tally_table[kind];
}

void tally_reply(struct tally *t, unsigned int status)
{
	static const enum tally_kind classes[] = { TALLY_REPLIES_2XX, TALLY_REPLIES_2XX,
						   TALLY_REPLIES_2XX, TALLY_REPLIES_3XX,
						   TALLY_REPLIES_4XX, TALLY_REPLIES_5XX };
	unsigned int class = status / 100;

	t->counts[class < sizeof(classes) / sizeof(classes[0]) ? classes[class]
							       : TALLY_REPLIES_5XX]++;
}
