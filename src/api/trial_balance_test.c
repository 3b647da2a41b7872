/*
 * Goal: the trial balance as of any position is what it was then, whichever way it is reached and
 * whatever goes on meanwhile.
 * Method: over the api in a simulated world, the totals of now are kept at each moment of a life
 * with transfers of every kind, and compared with what is said of that moment later; then one
 * moment is asked for again and again while others make transfers.
 */
#include "api/api_test.h"

enum { MOMENTS = 9 };

#define MINE(id) "\"019ab000-0000-7000-8000-0000000001" id "\""
#define ON(id, kind, rest) "{\"id\":" MINE(id) ",\"kind\":\"" kind "\"," rest "}"
#define OF(id) "\"target\":" MINE(id)
#define PAIR(debit, credit) "\"debit\":\"" debit "\",\"credit\":\"" credit "\",\"asset\":\"EUR\""

/* The balance of the asset's row of a kind, cut out of a trial balance; empty: there is no row. */
static void row_cut(struct rig *rig, const char *kind, char *out, size_t size)
{
    char row[64];
    int len = snprintf(row, sizeof row, "\"asset\":\"EUR\",\"kind\":\"%s\"", kind);
    assert_true(len > 0 && (size_t)len < sizeof row);
    const char *at = strstr(rig_answer(rig), row);
    out[0] = '\0';
    if (at == NULL) return;
    at = strstr(at, "\"balance\":");
    const char *end = strchr(at, '}');
    assert_true(end != NULL && (size_t)(end - at) < size);
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
}

static void trial_balance_body(struct rig *rig)
{
    static const struct {
        unsigned status;
        const char *body;
    } steps[MOMENTS - 1] = {
        { 201, ON("32", "hold", PAIR(ANNA, BEN) ",\"amount\":\"40\",\"timeout_s\":60") },
        { 201, ON("33", "post",
                  OF("32") ",\"amount\":\"30\",\"asset\":\"EUR\",\"flags\":[\"keep_rest\"]") },
        { 201, ON("34", "void", OF("32")) },
        { 422, TRANSFER("35", ANNA, BEN, "999") },
        { 201, ON("36", "hold", PAIR(BEN, BANK) ",\"amount\":\"30\"") },
        { 201, ON("37", "post", OF("36")) },
        { 201, TRANSFER("38", BANK, BEN, "7") },
        { 201, ON("39", "reversal", OF("38")) },
    };
    static const char *const kinds[] = { "liability", "equity" };
    char positions[MOMENTS][32];
    char rows[MOMENTS][2][256];
    people_make(rig);
    for (unsigned i = 0; i < MOMENTS; i++) {
        if (i > 0) {
            expect_status(rig, steps[i - 1].status,
                          rig_send(rig, API_POST, "/v1/transfers", steps[i - 1].body));
        }
        rig_cut(rig, "position", positions[i], sizeof positions[i]);
        expect_status(rig, 200, rig_send(rig, API_GET, "/v1/trial-balance", NULL));
        for (int k = 0; k < 2; k++) row_cut(rig, kinds[k], rows[i][k], sizeof rows[i][k]);
    }
    for (unsigned i = 0; i < MOMENTS; i++) {
        char url[64];
        char row[256];
        int len = snprintf(url, sizeof url, "/v1/trial-balance?at=%s", positions[i]);
        assert_true(len > 0 && (size_t)len < sizeof url);
        expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
        for (int k = 0; k < 2; k++) {
            row_cut(rig, kinds[k], row, sizeof row);
            assert_string_equal(row, rows[i][k]);
        }
    }
}

enum { TELLERS = 4 };

struct teller {
    struct rig *rig;
    struct task *task;
    bool stop;
};

/* Transfers one after the other, each waited for; with several tellers, some to a batch. */
static void teller_body(void *argument)
{
    struct teller *teller = argument;
    struct lane *lane = teller->rig->lane;
    struct transfer transfer = { .amount = money_from_minor(1), .asset = 978 };
    assert_true(uuid_parse(STR(BANK), &transfer.debit.value) == STATUS_OK);
    assert_true(uuid_parse(STR(BEN), &transfer.credit.value) == STATUS_OK);
    transfer.kind = TRANSFER_DIRECT;
    while (!teller->stop) {
        struct transfer_result result;
        transfer.id.value = lane_new_id(lane);
        struct request request = {
            .kind = REQUEST_TRANSFERS,
            .principal = PRINCIPAL_LOCAL,
            .root = lane_new_id(lane),
            .count = 1,
            .transfers = &transfer,
            .transfer_results = &result,
        };
        assert_int_equal(lane_run(lane, &request), STATUS_OK);
        assert_int_equal(result.outcome, OUTCOME_OK);
    }
}

/* The same moment asked for again and again while the ledger goes on. */
static void busy_body(struct rig *rig)
{
    struct teller tellers[TELLERS];
    struct sync *sync = rig->ports.sync;
    char position[32];
    char url[64];
    char first[256];
    char again[256];
    people_make(rig);
    for (int i = 0; i < TELLERS; i++) {
        tellers[i] = (struct teller){ .rig = rig };
        assert_int_equal(sync->spawn(sync, "teller", teller_body, &tellers[i], &tellers[i].task),
                         STATUS_OK);
    }
    for (int i = 0; i < 40; i++) expect_net(rig, ANNA, "100.00"); /* while batches go by */
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("41", ANNA, BEN, "50")));
    rig_cut(rig, "position", position, sizeof position);
    int len = snprintf(url, sizeof url, "/v1/trial-balance?at=%s", position);
    assert_true(len > 0 && (size_t)len < sizeof url);
    for (int i = 0; i < 30; i++) {
        expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
        row_cut(rig, "liability", again, sizeof again);
        if (i == 0) memcpy(first, again, sizeof first);
        assert_string_equal(again, first);
    }
    for (int i = 0; i < TELLERS; i++) tellers[i].stop = true;
    for (int i = 0; i < TELLERS; i++) sync->join(tellers[i].task);
    expect_status(rig, 200, rig_send(rig, API_GET, url, NULL));
    row_cut(rig, "liability", again, sizeof again);
    assert_string_equal(again, first);
}

static void a_trial_balance_of_a_moment_stays_while_the_ledger_goes_on(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(busy_body);
}

static void a_trial_balance_of_any_moment_is_what_it_was(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(trial_balance_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_balance_of_any_moment_is_what_it_was),
        cmocka_unit_test(a_trial_balance_of_a_moment_stays_while_the_ledger_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
