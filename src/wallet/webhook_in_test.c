/*
 * Goal: a verified webhook has its effect once, whatever comes twice, changed, in another order, or
 * in between a failure of lane or inbox; one that is not verified has none, and no trace but its
 * reason.
 * Method: webhooks signed by the test, an inbox in memory that fails when told to, a lane without
 * threads whose commits fail when told to; payments are looked at by their records.
 */
#include "wallet/webhook_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "payment/chart.h"
#include "payment/sandbox_wire.h"
#include "wallet/lane_test.h"

enum { ROWS_MAX = 64, WALLET = 2, PAYMENT = 1000, FOREIGN = 1001, BODY_SIZE = 1024 };

static const char SECRET[] = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
static const char WRONG[] = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

struct row {
    char body[BODY_SIZE];
    size_t len;
    struct wall_time at;
    struct uuid about;
    enum inbox_mark mark;
};

struct scene {
    struct inbox inbox; /* first */
    struct row rows[ROWS_MAX];
    uint64_t row_count;
    enum status put_fails;
    struct bench *bench;
    struct webhook_in *in;
};

/* ---- The inbox ---- */

static enum status inbox_put(struct inbox *inbox, const struct inbox_webhook *webhook,
                             uint64_t *out_id, struct error *out_error)
{
    struct scene *scene = (struct scene *)inbox;
    if (scene->put_fails != STATUS_OK) return error_set(out_error, scene->put_fails, "told to");
    assert_true(scene->row_count < ROWS_MAX && webhook->body.len < BODY_SIZE);
    assert_string_equal(webhook->endpoint, "sandbox");
    struct row *row = &scene->rows[scene->row_count++];
    *row = (struct row){ .len = webhook->body.len,
                         .at = webhook->received_at,
                         .about = webhook->about };
    memcpy(row->body, webhook->body.data, webhook->body.len);
    *out_id = scene->row_count;
    return STATUS_OK;
}

static enum status inbox_mark(struct inbox *inbox, uint64_t id, enum inbox_mark mark,
                              struct error *out_error)
{
    (void)out_error; /* it never fails */
    ((struct scene *)inbox)->rows[id - 1].mark = mark;
    return STATUS_OK;
}

static enum status inbox_read(struct inbox *inbox, uint64_t id, struct inbox_webhook *out_webhook,
                              struct buf *out_bytes, struct error *out_error)
{
    (void)out_error; /* it never fails */
    const struct row *row = &((struct scene *)inbox)->rows[id - 1];
    buf_reset(out_bytes);
    buf_append(out_bytes, row->body, row->len);
    *out_webhook = (struct inbox_webhook){
        .id = id,
        .received_at = row->at,
        .mark = (uint8_t)row->mark,
        .endpoint = "sandbox",
        .body = buf_view(out_bytes),
    };
    return STATUS_OK;
}

static enum status inbox_unmarked(struct inbox *inbox, uint64_t after, uint64_t *out_ids,
                                  uint32_t limit, uint32_t *out_count, struct error *out_error)
{
    (void)out_error; /* it never fails */
    const struct scene *scene = (struct scene *)inbox;
    *out_count = 0;
    for (uint64_t id = after + 1; id <= scene->row_count && *out_count < limit; id++) {
        if (scene->rows[id - 1].mark == INBOX_MARK_NONE) out_ids[(*out_count)++] = id;
    }
    return STATUS_OK;
}

static enum status inbox_find(struct inbox *inbox, const struct inbox_subject *subject,
                              uint64_t *out_ids, uint32_t *out_count, struct error *out_error)
{
    (void)out_error; /* it never fails */
    const struct scene *scene = (struct scene *)inbox;
    *out_count = 0;
    for (uint64_t id = subject->after + 1; id <= scene->row_count; id++) {
        if (*out_count == subject->limit) break;
        if (uuid_equal(scene->rows[id - 1].about, subject->about)) out_ids[(*out_count)++] = id;
    }
    return STATUS_OK;
}

static enum status inbox_trim(struct inbox *inbox, struct wall_time now, uint32_t *out_count,
                              struct error *out_error)
{
    (void)inbox; /* nothing is ever too old */
    (void)now;
    (void)out_error;
    *out_count = 0;
    return STATUS_OK;
}

/* ---- The scene ---- */

static void in_open(struct scene *scene)
{
    struct bench *bench = scene->bench;
    struct webhook_sender sender = { .name = "sandbox",
                                     .event_read = sandbox_event_read,
                                     .policy = { .scheme = WEBHOOK_STANDARD, .tolerance_s = 300 },
                                     .key_count = 1 };
    assert_int_equal(signing_key_parse(str_from(SECRET), &sender.keys[0]), STATUS_OK);
    const struct webhook_in_options options = {
        .lane = bench->lane,
        .ports = { .clock = &bench->clock.port,
                   .entropy = &bench->entropy.port,
                   .sync = &bench->sync.port,
                   .log = &bench->log.port },
        .inbox = &scene->inbox,
        .route = 60,
        .senders = &sender,
        .sender_count = 1,
        .stepped = true,
    };
    struct error error = { 0 };
    assert_int_equal(webhook_in_open(&options, &scene->in, &error), STATUS_OK);
    signing_key_done(&sender.keys[0]);
}

/* A pay-in that has succeeded. */
static void pay_in_make(struct bench *bench, uint64_t number, const char *psp)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(number);
    command.draft.kind = PAYMENT_PAY_IN;
    command.draft.amount.minor = 700;
    command.draft.asset = EUR;
    command.draft.wallet.value = test_id(WALLET);
    memcpy(command.draft.method, "pm_1", 5);
    memcpy(command.draft.psp, psp, strlen(psp) + 1);
    struct payment_result result = { 0 };
    struct request request = { .kind = REQUEST_PAYMENT,
                               .root = lane_new_id(bench->lane),
                               .count = 1,
                               .payment = &command,
                               .payment_result = &result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(result.outcome, PAYMENT_OUTCOME_OK);
    command.cause = PAYMENT_CAUSE_ANSWER;
    command.id.value = test_id(number);
    command.step_number = 1;
    command.reply = (struct psp_reply){
        .answer = PSP_ANSWER_DONE, .asset = EUR, .amount = { 700 }, .object = "ch_1"
    };
    request = (struct request){ .kind = REQUEST_PAYMENT,
                                .root = lane_new_id(bench->lane),
                                .count = 1,
                                .payment = &command,
                                .payment_result = &result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(result.payment.state, PAYMENT_STATE_SUCCEEDED);
}

static struct scene *scene_new(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->inbox = (struct inbox){ .put = inbox_put,
                                   .mark = inbox_mark,
                                   .read = inbox_read,
                                   .unmarked = inbox_unmarked,
                                   .find = inbox_find,
                                   .trim = inbox_trim };
    struct bench *bench = bench_new();
    scene->bench = bench;
    test_accounts(bench, WALLET);
    struct account chart[CHART_ROLE_END]; /* [0] is that of another PSP */
    struct account_result results[CHART_ROLE_END];
    chart[0] = chart_account(LANE_ALONE, EUR, CHART_CLEARING, "other");
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        chart[role] = chart_account(LANE_ALONE, EUR, role, "sandbox");
    }
    struct request request = { .kind = REQUEST_ACCOUNTS,
                               .root = lane_new_id(bench->lane),
                               .count = CHART_ROLE_END,
                               .accounts = chart,
                               .account_results = results };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    pay_in_make(bench, PAYMENT, "sandbox");
    pay_in_make(bench, FOREIGN, "other");
    in_open(scene);
    return scene;
}

static void scene_free(struct scene *scene)
{
    webhook_in_close(scene->in);
    bench_free(scene->bench);
    free(scene);
}

struct event {
    const char *id;
    const char *type;
    uint64_t payment;
    const char *chargeback; /* NULL: of an order */
    const char *note;       /* other bytes of the same event */
};

static struct str body_of(const struct event *event, char out_body[BODY_SIZE])
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(test_id(event->payment), id);
    int len =
        snprintf(out_body, BODY_SIZE,
                 "{\"id\":\"%s\",\"type\":\"%s\",\"at\":\"2026-11-23T06:14:50Z\",\"data\":{"
                 "\"object\":\"ch_1\",\"reference\":\"%s:1\",\"status\":\"done\","
                 "\"amount\":\"4.00\",\"asset\":\"EUR\",\"chargeback\":\"%s\"},\"n\":\"%s\"}",
                 event->id, event->type, id, event->chargeback == NULL ? "" : event->chargeback,
                 event->note == NULL ? "" : event->note);
    assert_true(len > 0 && len < BODY_SIZE);
    return (struct str){ out_body, (size_t)len };
}

static enum webhook_in_result send_signed(struct scene *scene, const struct event *event,
                                          const char *secret)
{
    char body[BODY_SIZE];
    char time[32];
    struct signing_key key = { .kind = SIGNING_KEY_NONE };
    assert_int_equal(signing_key_parse(str_from(secret), &key), STATUS_OK);
    struct signing_key *keys[] = { &key };
    uint64_t now_s = (uint64_t)(clock_wall(&scene->bench->clock.port).ns / NS_PER_S);
    const struct webhook_policy policy = { .scheme = WEBHOOK_STANDARD };
    BUF_SCOPE struct buf value;
    buf_init(&value, 1024);
    const struct webhook_signing signing = { .policy = &policy,
                                             .keys = keys,
                                             .key_count = 1,
                                             .id = str_from(event->id),
                                             .timestamp_s = now_s,
                                             .body = body_of(event, body) };
    webhook_sign(&signing, &value);
    signing_key_done(&key);
    int len = snprintf(time, sizeof time, "%llu", (unsigned long long)now_s);
    assert_true(len > 0);
    const struct webhook_header headers[] = {
        { STR("webhook-id"), str_from(event->id) },
        { STR("Webhook-Timestamp"), str_from(time) },
        { STR("webhook-signature"), buf_view(&value) },
    };
    const struct webhook_arrival arrival = { .name = STR("sandbox"),
                                             .message = { headers, 3, signing.body } };
    char text[WEBHOOK_IN_TEXT_SIZE];
    return webhook_in_receive(scene->in, &arrival, text);
}

static enum webhook_in_result send(struct scene *scene, struct event event)
{
    return send_signed(scene, &event, SECRET);
}

/* By the records of the journal: how many of a cause took effect on it. */
static uint32_t records(const struct scene *scene, struct uuid id, uint8_t cause)
{
    const struct disk *disk = scene->bench->disk;
    uint32_t count = 0;
    for (uint64_t at = 1; at <= disk->head; at++) {
        struct batch_reader reader;
        struct error error = { 0 };
        struct str blob = { (const char *)disk->batches[at].data, disk->batches[at].size };
        assert_int_equal(batch_open(blob, &reader, &error), STATUS_OK);
        while (reader.at < reader.blob.len) {
            const struct record_head *head;
            assert_int_equal(batch_next(&reader, &head, &error), STATUS_OK);
            if (head->type != RECORD_PAYMENT || head->kind != cause) continue;
            const struct record_payment *record = (const struct record_payment *)head;
            count += uuid_equal(record->payment.id.value, id) && head->outcome == 0;
        }
    }
    return count;
}

static uint32_t hints(const struct scene *scene, uint64_t payment)
{
    return records(scene, test_id(payment), PAYMENT_CAUSE_HINT);
}

static const struct event HINT = { "evt_1", "order.updated", PAYMENT, NULL, NULL };

/* ---- Cases ---- */

static void an_event_is_one_hint_however_often_it_comes(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new();
    assert_int_equal(send(scene, HINT), WEBHOOK_IN_DONE);
    assert_int_equal(hints(scene, PAYMENT), 1);
    struct event changed = HINT;
    changed.note = "other bytes";
    assert_int_equal(send(scene, changed), WEBHOOK_IN_REPEATED);
    webhook_in_close(scene->in);
    bench_close(scene->bench);
    bench_open(scene->bench); /* another life */
    in_open(scene);
    assert_int_equal(send(scene, HINT), WEBHOOK_IN_REPEATED);
    assert_int_equal(hints(scene, PAYMENT), 1);
    struct event next = HINT;
    next.id = "evt_2";
    assert_int_equal(send(scene, next), WEBHOOK_IN_DONE);
    assert_int_equal(hints(scene, PAYMENT), 2);
    for (uint64_t i = 0; i < scene->row_count; i++) {
        assert_int_equal(scene->rows[i].mark, INBOX_MARK_DONE);
    }
    scene_free(scene);
}

static void what_is_not_verified_has_no_effect_but_its_reason(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new();
    assert_int_equal(send_signed(scene, &HINT, WRONG), WEBHOOK_IN_REJECTED);
    assert_int_equal(scene->row_count, 0);
    assert_int_equal(hints(scene, PAYMENT), 0);
    struct rejection rejection;
    assert_true(webhook_in_rejection(scene->in, 0, &rejection));
    assert_int_equal(rejection.reason, WEBHOOK_REASON_NO_MATCH);
    assert_false(webhook_in_rejection(scene->in, 1, &rejection));
    struct webhook_in_status status;
    webhook_in_get_status(scene->in, &status);
    assert_int_equal(status.results[WEBHOOK_IN_REJECTED], 1);
    assert_int_equal(status.rejected[WEBHOOK_REASON_NO_MATCH], 1);
    assert_int_equal(send(scene, HINT), WEBHOOK_IN_DONE); /* it did not use the event up */
    scene_free(scene);
}

static void nothing_happens_before_it_is_stored(void **state)
{
    (void)state; /* no fixture */
    static const enum status fails[] = { STATUS_LIMIT, STATUS_UNAVAILABLE, STATUS_IN_DOUBT };
    struct scene *scene = scene_new();
    for (size_t i = 0; i < sizeof fails / sizeof fails[0]; i++) {
        scene->put_fails = fails[i];
        assert_int_equal(send(scene, HINT), WEBHOOK_IN_NOT_STORED);
        assert_int_equal(hints(scene, PAYMENT), 0);
    }
    scene_free(scene);
}

/* Stored, then the process ended; or the commit failed, was in doubt, and landed or not. */
static void what_is_stored_is_done_once_after_any_failure(void **state)
{
    (void)state; /* no fixture */
    static const enum append_fault faults[] = { APPEND_REFUSED, APPEND_DOUBT_LOST,
                                                APPEND_DOUBT_LANDED };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct scene *scene = scene_new();
        scene->bench->fault = faults[i];
        scene->bench->fault_status = STATUS_UNAVAILABLE;
        enum webhook_in_result result = send(scene, HINT);
        bool landed = faults[i] == APPEND_DOUBT_LANDED;
        assert_int_equal(result, landed ? WEBHOOK_IN_DONE : WEBHOOK_IN_NOT_TAKEN);
        assert_int_equal(scene->row_count, 1);
        assert_int_equal(scene->rows[0].mark, landed ? INBOX_MARK_DONE : INBOX_MARK_NONE);
        scene->rows[0].mark = INBOX_MARK_NONE; /* marks may be lost */
        webhook_in_step(scene->in);
        assert_int_equal(scene->rows[0].mark, INBOX_MARK_NONE); /* its sender may be at it yet */
        bench_sleep(scene->bench, 3000);
        webhook_in_step(scene->in);
        assert_int_equal(scene->rows[0].mark, INBOX_MARK_DONE);
        assert_int_equal(hints(scene, PAYMENT), 1);
        struct webhook_in_status status;
        webhook_in_get_status(scene->in, &status);
        assert_int_equal(status.redone, 1);
        assert_int_equal(send(scene, HINT), WEBHOOK_IN_REPEATED);
        assert_int_equal(hints(scene, PAYMENT), 1);
        scene_free(scene);
    }
}

static void what_a_psp_does_not_carry_out_is_not_its_to_tell(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new();
    struct event foreign = HINT;
    foreign.payment = FOREIGN;
    assert_int_equal(send(scene, foreign), WEBHOOK_IN_IGNORED);
    assert_int_equal(hints(scene, FOREIGN), 0);
    const struct event dispute = { "evt_cb", "chargeback.opened", FOREIGN, "cb_1", NULL };
    assert_int_equal(send(scene, dispute), WEBHOOK_IN_KEPT);
    assert_int_equal(scene->rows[1].mark, INBOX_MARK_FAILED);
    struct uuid id = webhook_in_chargeback(LANE_ALONE, "sandbox", "cb_1").value;
    assert_int_equal(records(scene, id, PAYMENT_CAUSE_DISPUTE), 0);
    const struct event unknown = { "evt_3", "order.updated", 4711, NULL, NULL };
    assert_int_equal(send(scene, unknown), WEBHOOK_IN_IGNORED);
    const struct event other = { "evt_4", "customer.created", PAYMENT, NULL, NULL };
    assert_int_equal(send(scene, other), WEBHOOK_IN_IGNORED);
    assert_int_equal(scene->rows[3].mark, INBOX_MARK_IGNORED);
    scene_free(scene);
}

/* Every order of the news, each twice: the books are the same. */
static void chargebacks_end_right_whatever_comes_first(void **state)
{
    (void)state; /* no fixture */
    static const char *const news[] = { "opened", "lost", "reversed" };
    static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct scene *scene = scene_new();
        for (int at = 0; at < 6; at++) {
            char id[32];
            char type[32];
            const char *what = news[orders[i][at / 2]];
            assert_true(snprintf(id, sizeof id, "evt_%s", what) > 0);
            assert_true(snprintf(type, sizeof type, "chargeback.%s", what) > 0);
            const struct event event = { id, type, PAYMENT, "cb_1", NULL };
            enum webhook_in_result result = send(scene, event);
            assert_int_equal(result, at % 2 == 0 ? WEBHOOK_IN_DONE : WEBHOOK_IN_REPEATED);
        }
        struct uuid id = webhook_in_chargeback(LANE_ALONE, "sandbox", "cb_1").value;
        assert_int_equal(records(scene, id, PAYMENT_CAUSE_DISPUTE), 3);
        scene_free(scene);
    }
}

/* The ledger refuses its opening: nothing of it is in the books, whatever comes later. */
static void what_a_refused_chargeback_came_to_is_for_a_person(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new();
    const struct event lost = { "evt_b", "chargeback.lost", PAYMENT, "cb_1", NULL };
    test_freeze(scene->bench, chart_account_id(LANE_ALONE, EUR, CHART_RECEIVABLE, "sandbox"), true);
    assert_int_equal(send(scene, lost), WEBHOOK_IN_KEPT);
    assert_int_equal(scene->rows[0].mark, INBOX_MARK_FAILED);
    scene_free(scene);
}

static void ids_follow_from_names_and_are_apart(void **state)
{
    (void)state; /* no fixture */
    struct uuid key = webhook_in_key("sandbox", "evt_1");
    assert_true(uuid_equal(key, webhook_in_key("sandbox", "evt_1")));
    assert_false(uuid_equal(key, webhook_in_key("sandbox", "evt_2")));
    assert_false(uuid_equal(key, webhook_in_key("sandboxe", "vt_1")));
    assert_false(uuid_equal(key, webhook_in_chargeback(LANE_ALONE, "sandbox", "evt_1").value));
}

static uint32_t told(struct scene *scene, struct payment payment, struct webhook_told *out_told)
{
    uint32_t count = 99;
    struct error error = { 0 };
    assert_int_equal(webhook_in_told(scene->in, &payment, out_told, &count, &error), STATUS_OK);
    return count;
}

static void what_came_about_a_payment_is_told(void **state)
{
    (void)state; /* no fixture */
    struct scene *scene = scene_new();
    struct webhook_told list[WEBHOOK_TOLD_MAX];
    const struct event opened = { "evt_2", "chargeback.opened", PAYMENT, "cb_1", NULL };
    const struct event other = { "evt_3", "chargeback.opened", PAYMENT, "cb_2", NULL };
    const struct event foreign = { "evt_4", "order.updated", FOREIGN, NULL, NULL };
    struct payment payment = { .id.value = test_id(PAYMENT), .kind = PAYMENT_PAY_IN };
    assert_int_equal(told(scene, payment, list), 0);
    assert_int_equal(send(scene, HINT), WEBHOOK_IN_DONE);
    assert_int_equal(send(scene, opened), WEBHOOK_IN_DONE);
    (void)send(scene, other);
    (void)send(scene, foreign);
    assert_int_equal(send(scene, HINT), WEBHOOK_IN_REPEATED);
    assert_int_equal(told(scene, payment, list), 4);
    static const char *const events[] = { "evt_1", "evt_2", "evt_3", "evt_1" };
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(list[i].is_read);
        assert_string_equal(list[i].event, events[i]);
        assert_string_equal(list[i].sender, "sandbox");
        struct uuid key = webhook_in_key("sandbox", events[i]);
        assert_true(uuid_equal(list[i].key, key));
        if (i > 0) assert_true(list[i].received_at.ns >= list[i - 1].received_at.ns);
    }
    assert_int_equal(list[0].mark, INBOX_MARK_DONE);
    assert_string_equal(psp_event_kind_name(list[0].kind), "order");
    assert_string_equal(psp_event_kind_name(list[1].kind), "chargeback_opened");
    const struct payment chargeback = { .id = webhook_in_chargeback(LANE_ALONE, "sandbox", "cb_2"),
                                        .parent.value = test_id(PAYMENT),
                                        .kind = PAYMENT_CHARGEBACK };
    assert_int_equal(told(scene, chargeback, list), 1);
    assert_string_equal(list[0].event, "evt_3");
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_hint_however_often_it_comes),
        cmocka_unit_test(what_is_not_verified_has_no_effect_but_its_reason),
        cmocka_unit_test(nothing_happens_before_it_is_stored),
        cmocka_unit_test(what_is_stored_is_done_once_after_any_failure),
        cmocka_unit_test(what_a_psp_does_not_carry_out_is_not_its_to_tell),
        cmocka_unit_test(chargebacks_end_right_whatever_comes_first),
        cmocka_unit_test(what_a_refused_chargeback_came_to_is_for_a_person),
        cmocka_unit_test(what_came_about_a_payment_is_told),
        cmocka_unit_test(ids_follow_from_names_and_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
