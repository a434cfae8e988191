#include "registry.h"

#include "metrics_fixture.h"

#include <stdio.h>

static struct registry registry;

static void environments_of_one_name_are_two_services(void **state)
{
	struct series_budget budget = { .limit = 1 << 20 };
	struct service *staging, *production;

	(void)state;
	memset(&registry, 0, sizeof(registry));
	staging = registry_service(&registry, "shop", "staging");
	production = registry_service(&registry, "shop", "production");
	assert_ptr_not_equal(staging, production);
	assert_ptr_equal(registry_service(&registry, "shop", "staging"), staging);
	assert_ptr_not_equal(registry_service(&registry, "shop", ""), staging);
	assert_string_equal(production->environment, "production");
	registry_fini(&registry, &budget);
}

static void services_have_a_cap_too(void **state)
{
	struct series_budget budget = { .limit = 1 << 20 };
	char name[32];

	(void)state;
	memset(&registry, 0, sizeof(registry));
	for (uint32_t i = 0; i < REGISTRY_SERVICES + 5; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		assert_string_equal(registry_service(&registry, name, "")->name,
				    i < REGISTRY_SERVICES ? name : "_other");
	}
	assert_int_equal(registry.service_count, REGISTRY_SERVICES + 1);
	registry_fini(&registry, &budget);
}

static void processes_that_ended_first_are_dropped_first(void **state)
{
	struct series_budget budget = { .limit = 1 << 20 };
	struct capture_target target;
	uint32_t n = 0;

	(void)state;
	memset(&registry, 0, sizeof(registry));
	for (uint64_t key = 1; key <= REGISTRY_GONE + 3; key++) {
		struct process *process;

		fixture_target(&target, key, (int32_t)key, "shop");
		process = registry_process_new(&registry, &target);
		assert_ptr_equal(registry_process_find(&registry, key), process);
		registry_process_forget(&registry, process);
		assert_null(registry_process_find(&registry, key));
		process->news.gone_ns = key;
	}
	registry_link(&registry);
	registry_age(&registry, 1, &budget);
	for (struct process *p = registry.processes; p; p = p->next) {
		assert_true(p->now.gone_ns > 3);
		n++;
	}
	assert_int_equal(n, REGISTRY_GONE);
	registry_fini(&registry, &budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environments_of_one_name_are_two_services),
		cmocka_unit_test(services_have_a_cap_too),
		cmocka_unit_test(processes_that_ended_first_are_dropped_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
