#include "agent.h"

#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int agent_fail(const struct agent *a, struct agent_error *error, int result, const char *why)
{
	snprintf(error->text, sizeof(error->text), "the agent on %s: %s", a->where, why);
	return result;
}

/* Is anybody there? Whatever it answers to this. */
static int agent_try(struct agent *a, const char *socket, const char *address,
		     struct client_error *why)
{
	struct client_answer answer;
	int result = client_open(&a->client, socket, address, why);

	if (result)
		return result;
	result = client_get(a->client, "/healthz", &answer, why);
	if (result) {
		agent_close(a);
		return result;
	}
	client_answer_free(&answer);
	snprintf(a->where, sizeof(a->where), "%s", socket ? socket : address);
	return 0;
}

/* Nobody, or nobody that we may ask: which of the two matters to whoever reads this. */
static int agent_nobody(const struct settings *s, int result, const struct client_error *why,
			struct agent_error *error)
{
	const char *socket = s->socket[0] ? s->socket : NULL;

	if (result == -ELIBACC || result == -ENOMEM) {
		snprintf(error->text, sizeof(error->text), "%s", why->text);
		return result;
	}
	snprintf(error->text, sizeof(error->text),
		 "no agent answers on %s%s%s (%s); start it: sudo ringsided",
		 socket   ? socket
		 : s->tcp ? s->tcp
			  : "any address",
		 socket && s->tcp ? " or " : "", socket && s->tcp ? s->tcp : "", why->text);
	return -ENOTCONN;
}

int agent_open(struct agent *a, const struct settings *s, struct agent_error *error)
{
	struct client_error why = { "the API is turned off" };
	int result = -ENOTCONN;

	memset(a, 0, sizeof(*a));
	a->settings = s;
	if (s->socket[0])
		result = agent_try(a, s->socket, NULL, &why);
	if (result && s->tcp) {
		struct client_error tcp_why;

		result = agent_try(a, NULL, s->tcp, s->socket[0] ? &tcp_why : &why);
	}
	return result ? agent_nobody(s, result, &why, error) : 0;
}

void agent_close(struct agent *a)
{
	client_close(a->client);
	a->client = NULL;
}

int agent_send(struct agent *a, const struct client_request *request, struct client_answer *out,
	       struct agent_error *error)
{
	struct client_error why;
	struct envelope_error refused;
	struct envelope *envelope = NULL;
	int result = client_send(a->client, request, out, &why);

	if (result)
		return agent_fail(a, error, result, why.text);
	if (out->status == 200)
		return 0;
	result = envelope_open(&envelope, out->bytes, out->length, &refused);
	envelope_close(envelope);
	client_answer_free(out);
	return agent_fail(a, error, result ? result : -EPROTO,
			  result ? refused.text : "an odd answer");
}

int agent_get(struct agent *a, const char *path, struct client_answer *out,
	      struct agent_error *error)
{
	return agent_send(a, &(struct client_request){ .method = "GET", .path = path }, out, error);
}

static int agent_open_answer(const struct agent *a, struct client_answer *answer,
			     struct envelope **out, struct agent_error *error)
{
	struct envelope_error refused;
	int result = envelope_open(out, answer->bytes, answer->length, &refused);

	client_answer_free(answer);
	return result ? agent_fail(a, error, result, refused.text) : 0;
}

int agent_ask(struct agent *a, const char *path, struct envelope **out, struct agent_error *error)
{
	struct client_answer answer;
	struct client_error why;
	int result = client_get(a->client, path, &answer, &why);

	*out = NULL;
	return result ? agent_fail(a, error, result, why.text)
		      : agent_open_answer(a, &answer, out, error);
}

int agent_do(struct agent *a, const char *path, struct agent_error *error)
{
	struct envelope *envelope = NULL;
	struct client_answer answer;
	struct client_error why;
	int result = client_post(a->client, path, &answer, &why);

	result = result ? agent_fail(a, error, result, why.text)
			: agent_open_answer(a, &answer, &envelope, error);
	envelope_close(envelope);
	return result;
}
