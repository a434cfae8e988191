#include "proof.h"

#include "config.h"
#include "moment.h"
#include "reader.h"
#include "verbs.h"
#include "verdict.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct proof {
	const struct config *config;
	const char *folder;
	char *const *rules; /* files; NULL ends them */
	struct bundle file; /* of the scenario */
	struct scenario scenario;
	struct past *past; /* NULL: of a scenario */
	struct past_span span;
	struct verdict verdict;
};

static int proof_bundle(char *const *files, const char *folder, struct bundle *out)
{
	int fd, ret = folder ? bundle_make(folder, &fd) : bundle_make_of(files, &fd);

	if (ret)
		return ret;
	ret = bundle_open(out, fd);
	close(fd);
	return ret;
}

static int proof_read(struct proof *p, struct config_text *text, const char *path)
{
	char *const only[] = { (char *)(uintptr_t)path, NULL };
	struct scenario_error error = { "" };
	struct bundle_file file;
	int ret = proof_bundle(only, NULL, &p->file);

	if (!ret && !bundle_next(&p->file, &file))
		ret = -EBADMSG;
	if (!ret)
		ret = file.error;
	if (ret) {
		fprintf(stderr, "%s: cannot be read: %s\n", path, strerrordesc_np(-ret));
		return ret;
	}
	*text = (struct config_text){ path, file.bytes, file.length };
	ret = scenario_open(&p->scenario, text, &error);
	if (ret)
		fprintf(stderr, "%s\n", error.text);
	return ret;
}

static int proof_book(const struct proof *p, struct book **book)
{
	static struct findings findings; /* some 32 KiB */
	const struct scenario *s = &p->scenario;
	const struct spec_defaults defaults = {
		(int64_t)config_span_ns(p->config, CONFIG_ALERTS_CHECK_INTERVAL),
		(int64_t)config_span_ns(p->config, CONFIG_ALERTS_COOLDOWN),
	};
	const struct reader_list list = { s->text, s->rules, "rules" };
	struct bundle bundle = { .bytes = NULL };
	const struct book_sources sources = { &bundle, s->rules ? &list : NULL };
	int ret = proof_bundle(p->rules, *p->rules || s->rules ? NULL : p->folder, &bundle);

	findings_init(&findings);
	if (!ret)
		ret = book_read_all(book, &defaults, &sources, &findings);
	bundle_close(&bundle);
	for (size_t i = 0; i < findings.count; i++)
		fprintf(stderr, "%s\n", findings.rows[i]);
	if (ret && !findings.count)
		fprintf(stderr, "ringside rules test: %s\n", strerrordesc_np(-ret));
	return ret;
}

/* Rules that are expected to do something must be there: a slip would be a test of nothing. */
static int proof_names(const struct proof *p, const struct book *book)
{
	const struct scenario *s = &p->scenario;
	const char *near;

	for (size_t i = 0; i < s->expected_count; i++) {
		if (book_find(book, s->expected[i].rule))
			continue;
		near = book_nearest(book, s->expected[i].rule);
		fprintf(stderr, "%s: expect[%zu].rule: there is no rule %s%s%s%s\n", s->text->name,
			i, s->expected[i].rule, near ? "; did you mean " : "", near ? near : "",
			near ? "?" : "");
		return -ENOENT;
	}
	return 0;
}

static int proof_replay(struct proof *p, struct book *book)
{
	const struct scenario *s = &p->scenario;
	uint32_t second = (uint32_t)config_number(p->config, CONFIG_ALERTS_ESCALATION_THRESHOLD);
	const struct replay_config config = {
		.input = { s->loads, s->load_count, s->values, s->value_count },
		.begin_ms = s->begin_ms,
		.second_level = second,
		.third_level = second +
			       (uint32_t)config_number(p->config, CONFIG_ALERTS_ESCALATION_FURTHER),
		.turned = verdict_turned,
		.ctx = &p->verdict,
		.feed = p->past ? past_feed : NULL,
		.feed_ctx = p->past,
		.feed_step_s = p->span.step_s,
	};
	struct replay *replay = NULL;
	int ret = replay_open(&replay, &config, book);

	while (!ret && p->verdict.now_s < s->lasts_s) {
		p->verdict.now_s++;
		ret = replay_step(replay);
	}
	replay_close(replay);
	if (!ret)
		ret = verdict_compare(&p->verdict);
	if (ret)
		fprintf(stderr, "ringside rules test: %s\n", strerrordesc_np(-ret));
	return ret;
}

/* What is replayed, and which rules are not looked at in it. */
static void proof_span(const struct proof *p, const struct book *book)
{
	char begin[MOMENT_TEXT];
	const char *between = "";

	moment_format(p->span.begin_ms, begin);
	printf("from %s on, for %u s, in steps of %u s: %zu slots of %zu series\n", begin,
	       p->span.lasts_s, p->span.step_s, p->span.slots, p->span.series);
	for (size_t i = 0; i < book->count; i++) {
		const struct spec *s = &book->specs[i];

		if (!s->enabled || replay_has_fed(s, p->span.step_s))
			continue;
		printf("%s%s",
		       *between ? between
				: "not replayed, since this is not kept, or not so finely: ",
		       s->name);
		between = ", ";
	}
	fputs(*between ? "\n" : "", stdout);
}

static int proof_judge(struct proof *p, bool json)
{
	const struct verdict *v = &p->verdict;
	struct book *book;
	int ret = proof_book(p, &book);

	if (ret)
		return VERBS_BAD;
	if (proof_names(p, book)) {
		book_close(book);
		return VERBS_BAD;
	}
	if (p->past && !json)
		proof_span(p, book);
	if (proof_replay(p, book))
		return VERBS_BAD;
	if (json && verdict_json(v, stdout))
		return VERBS_BAD;
	if (!json)
		verdict_print(v, stdout);
	return v->missed || v->extra ? VERBS_BAD : 0;
}

int proof_run(const struct config *config, const char *folder, char *const *files, bool json)
{
	struct proof p = { .config = config, .folder = folder, .rules = files + 1 };
	struct config_text text;
	int ret = VERBS_BAD;

	if (!proof_read(&p, &text, files[0])) {
		verdict_init(&p.verdict, &p.scenario);
		p.verdict.all = !p.scenario.rules && !*p.rules;
		ret = proof_judge(&p, json);
		verdict_fini(&p.verdict);
		scenario_close(&p.scenario);
	}
	bundle_close(&p.file);
	return ret;
}

int proof_history(const struct config *config, const char *folder, char *const *files, bool json,
		  const struct past_ask *ask)
{
	struct proof p = { .config = config, .folder = folder, .rules = files };
	const struct config_text text = { "history", NULL, 0 };
	struct past_error error = { "" };
	int ret = VERBS_BAD;

	if (past_open(&p.past, ask, &error)) {
		fprintf(stderr, "ringside rules test: %s\n", error.text);
		return VERBS_BAD;
	}
	past_span(p.past, &p.span);
	p.scenario = (struct scenario){ .text = &text,
					.begin_ms = p.span.begin_ms,
					.lasts_s = p.span.lasts_s };
	verdict_init(&p.verdict, &p.scenario);
	p.verdict.all = !*p.rules;
	ret = proof_judge(&p, json);
	verdict_fini(&p.verdict);
	past_close(p.past);
	return ret;
}
