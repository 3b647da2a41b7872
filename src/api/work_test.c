/*
 * Goal: what calls in flight may take is bounded, what they took is given back, and none waits
 * longer than stated.
 * Method: the api over the real lane in a simulated world; as many calls as there are works are
 * started before one is finished, arrays until their memory is used up, reads of positions that
 * the journal has and has not.
 */
#include "api/api_test.h"

#define ANNA "019ab000-0000-7000-8000-000000000002"

/* Its answer holds the position of an account. */
static void account_make(struct rig *rig)
{
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "{\"id\":\"" ANNA "\",\"asset\":\"EUR\",\"kind\":\"equity\"}"));
}

static void position_body(struct rig *rig)
{
    char position[32];
    char url[128];
    account_make(rig);
    rig_cut(rig, "position", position, sizeof position);
    int len = snprintf(url, sizeof url, "/v1/accounts/" ANNA "?min_position=%s", position);
    assert_true(len > 0 && (size_t)len < sizeof url);
    expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
    struct monotonic_time before = world_now(rig->world);
    expect_status(rig, 503,
                  rig_send(rig, API_GET, "/v1/accounts/" ANNA "?min_position=999999", NULL));
    expect_in_answer(rig, "\"code\":\"position_not_reached\"");
    assert_non_null(rig_header(rig, "Retry-After"));
    int64_t waited = world_now(rig->world).ns - before.ns;
    assert_true(waited >= NS_PER_S);
    assert_true(waited < 2 * NS_PER_S);
    rig->call.min_position = STR("999999-0");
    expect_status(rig, 503, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    rig->call.min_position = STR("soon");
    expect_status(rig, 400, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    rig->call.min_position = (struct str){ NULL, 0 };
}

static void a_read_waits_for_a_position_but_not_for_ever(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(position_body);
}

/* Calls that were started and not yet finished hold their work and their memory. */
static void capacity_body(struct rig *rig)
{
    struct api_call *calls = calloc(API_CALLS_MAX, sizeof *calls);
    assert_non_null(calls);
    for (size_t i = 0; i < API_CALLS_MAX; i++) {
        calls[i].path = STR("/livez");
        assert_int_equal(api_start(rig->api, &calls[i]), API_READY);
        assert_non_null(calls[i].work);
    }
    expect_status(rig, 429, rig_send(rig, API_GET, "/livez", NULL));
    expect_in_answer(rig, "\"code\":\"too_busy\"");
    assert_non_null(rig_header(rig, "Retry-After"));
    for (size_t i = 0; i < API_CALLS_MAX; i++) {
        buf_init(&calls[i].answer, 100);
        api_finish(rig->api, &calls[i]);
        assert_int_equal(calls[i].status, 200);
        buf_free(&calls[i].answer);
    }
    expect_status(rig, 200, rig_send(rig, API_GET, "/livez", NULL));
    free(calls);
}

static void calls_in_flight_are_bounded(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(capacity_body);
}

enum { ARRAYS = 100, ARRAY_SIZE = 1 << 20 };

/*
 * Starts arrays that could hold 8,190 transfers each, then finishes them; returns how many were
 * turned away. Each reserves memory until it is answered.
 */
static unsigned arrays_send(struct rig *rig, const char *spaces)
{
    struct api_call *calls = calloc(ARRAYS, sizeof *calls);
    assert_non_null(calls);
    unsigned busy = 0;
    for (size_t i = 0; i < ARRAYS; i++) {
        calls[i].method = API_POST;
        calls[i].path = STR("/v1/transfers");
        calls[i].content_type = STR("application/json");
        calls[i].body = (struct str){ spaces, ARRAY_SIZE };
        calls[i].local = true;
        assert_int_equal(api_start(rig->api, &calls[i]), API_READY);
    }
    for (size_t i = 0; i < ARRAYS; i++) {
        buf_init(&calls[i].answer, API_ANSWER_SIZE_MAX);
        api_finish(rig->api, &calls[i]);
        assert_true(calls[i].status == 429 || (calls[i].status == 400 && busy == 0));
        busy += calls[i].status == 429;
        buf_free(&calls[i].answer);
    }
    free(calls);
    return busy;
}

static void bulk_body(struct rig *rig)
{
    char *spaces = malloc(ARRAY_SIZE);
    assert_non_null(spaces);
    memset(spaces, ' ', ARRAY_SIZE);
    spaces[0] = '[';
    /* 128 MiB by 8,190 times 192 bytes are 85; the second time shows that all was given back. */
    assert_int_equal(arrays_send(rig, spaces), ARRAYS - 85);
    assert_int_equal(arrays_send(rig, spaces), ARRAYS - 85);
    free(spaces);
}

static void memory_for_arrays_is_bounded(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(bulk_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_waits_for_a_position_but_not_for_ever),
        cmocka_unit_test(calls_in_flight_are_bounded),
        cmocka_unit_test(memory_for_arrays_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
