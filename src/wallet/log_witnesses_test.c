/*
 * Goal: what the quorum cosigned is shown and nothing else; a witness that is down, lies, lost an
 * answer, knows another size or another history costs no more than its own cosignature; receipts
 * prove under what is shown; a rolled back log is told so by its witnesses.
 * Method: a lane and its log in memory, stepped; the witnesses are wallet/witness.h behind an
 * http_out that fails as told.
 */
#include "wallet/log_witnesses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_relay_test.h"
#include "wallet/receipt.h"
#include "wallet/witness_test.h"

enum { WITNESSES = 3, QUORUM = 2 };

enum wire { WIRE_GOOD, WIRE_DOWN, WIRE_LOST, WIRE_NONSENSE, WIRE_FORBIDDEN, WIRE_LOOPS, WIRE_SLOW };

struct outside {
    struct http_out port; /* first */
    struct witness_rig *rigs[WITNESSES];
    enum wire wires[WITNESSES];
    uint32_t calls[WITNESSES];
    struct life *life; /* of WIRE_SLOW: what goes on beside the call */
};

struct life {
    struct log_scene scene;
    struct outside outside;
    struct log_witness witnesses[WITNESSES];
    struct log_witnesses *collector;
    struct rig_log log; /* its lines */
};

static void goes_on_beside(struct life *life);

static enum status outside_call(struct http_out *port, const struct http_out_request *request,
                                struct http_out_response *out_response, struct buf *out_body,
                                struct error *out_error)
{
    struct outside *outside = (struct outside *)port;
    assert_true(str_starts(request->url, STR("http://w")));
    unsigned index = (unsigned)(request->url.data[8] - '0');
    assert_true(index < WITNESSES);
    enum wire wire = outside->wires[index];
    outside->calls[index]++;
    *out_response = (struct http_out_response){ .status = 200 };
    if (wire == WIRE_DOWN) return error_set(out_error, STATUS_UNAVAILABLE, "no connection");
    if (wire == WIRE_NONSENSE || wire == WIRE_FORBIDDEN || wire == WIRE_LOOPS) {
        out_response->status = wire == WIRE_FORBIDDEN ? 403 : wire == WIRE_LOOPS ? 409 : 200;
        buf_reset(out_body);
        buf_append_format(out_body, "%u\n", outside->calls[index] % 2);
        return STATUS_OK;
    }
    enum witness_outcome outcome =
        witness_add_checkpoint(outside->rigs[index]->witness, request->body, out_body);
    out_response->status = witness_outcome_http(outcome);
    if (wire == WIRE_SLOW) goes_on_beside(outside->life);
    if (wire == WIRE_LOST) return error_set(out_error, STATUS_IN_DOUBT, "no answer");
    return STATUS_OK;
}

static void collector_start(struct life *life)
{
    const struct log_witnesses_ports ports = { &life->scene.bench->sync.port,
                                               &life->scene.bench->clock.port, &life->log.port,
                                               &life->outside.port };
    const struct log_witnesses_options options = {
        .witnesses = life->witnesses,
        .count = WITNESSES,
        .quorum = QUORUM,
    };
    const struct log_relay_ports relay_ports = {
        &life->scene.bench->sync.port, &life->scene.bench->clock.port, &life->scene.bench->log.port,
        &life->scene.bench->store.port, &life->scene.files->port
    };
    const struct log_relay_options relay = { .signer = &life->scene.signer,
                                             .key = &life->scene.key,
                                             .cosigned = true };
    log_relay_close(life->scene.relay);
    assert_int_equal(
        log_relay_open(life->scene.bench->lane, &relay_ports, &relay, &life->scene.relay, NULL),
        STATUS_OK);
    assert_int_equal(
        log_witnesses_open(life->scene.relay, &ports, &options, &life->collector, NULL), STATUS_OK);
}

static void life_open(struct life *life)
{
    static const char *const names[WITNESSES] = { "w0", "w1", "w2" };
    *life = (struct life){ .outside.port.call = outside_call, .log.port.write = rig_line };
    scene_open(&life->scene);
    for (unsigned i = 0; i < WITNESSES; i++) {
        life->outside.rigs[i] = rig_new(names[i], &life->scene.signer.key);
        life->witnesses[i].key = life->outside.rigs[i]->signer.key;
        memcpy(life->witnesses[i].url, "http://w0", 10);
        life->witnesses[i].url[8] = (char)('0' + i);
    }
    collector_start(life);
}

static void life_close(struct life *life)
{
    log_witnesses_close(life->collector);
    scene_close(&life->scene);
    for (unsigned i = 0; i < WITNESSES; i++) rig_free(life->outside.rigs[i]);
}

static void pass(struct life *life, uint32_t ms)
{
    life->scene.bench->monotonic_ns += (int64_t)ms * NS_PER_MS;
}

/* Everybody's turn, until nobody has anything to do. */
static void settle(struct life *life)
{
    for (unsigned turn = 0; turn < 20; turn++) {
        scene_settle(&life->scene);
        for (uint32_t i = 0; i < WITNESSES; i++) (void)log_witnesses_step(life->collector, i);
        pass(life, LOG_WITNESSES_POLL_MS);
    }
    scene_settle(&life->scene);
}

static struct log_witnesses_status status_now(struct life *life)
{
    struct log_witnesses_status status;
    log_witnesses_get_status(life->collector, &status);
    return status;
}

/* The size that is shown, and how many of the witnesses cosigned it. */
static uint64_t shown(struct life *life, uint32_t *out_cosigned)
{
    struct note note;
    struct checkpoint checkpoint;
    uint64_t time_s;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, NOTE_SIZE_MAX);
    *out_cosigned = 0;
    enum status status = log_relay_read(life->scene.relay, STR("checkpoint"), &bytes, NULL);
    if (status == STATUS_NOT_FOUND) return 0;
    assert_int_equal(status, STATUS_OK);
    const struct note_key *key = &life->scene.signer.key;
    assert_int_equal(note_parse(buf_view(&bytes), &note, NULL), STATUS_OK);
    assert_int_equal(checkpoint_open(&note, key, note_key_name(key), &checkpoint, NULL), STATUS_OK);
    for (unsigned i = 0; i < WITNESSES; i++) {
        status = cosignature_verify(&note, &life->witnesses[i].key, &time_s, NULL);
        assert_int_not_equal(status, STATUS_DENIED);
        *out_cosigned += status == STATUS_OK;
    }
    return checkpoint.head.size;
}

static void expect_shown(struct life *life, uint64_t size, uint32_t cosigned)
{
    uint32_t by;
    assert_int_equal(shown(life, &by), size);
    assert_int_equal(by, cosigned);
}

static uint64_t leaves(const struct life *life)
{
    return life->scene.next_id - 1000 + 2;
}

static void what_all_cosigned_is_shown(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    expect_shown(&life, 0, 0);
    for (unsigned i = 0; i < 4; i++) {
        scene_pay(&life.scene, 100);
        settle(&life);
        expect_shown(&life, leaves(&life), WITNESSES);
    }
    struct log_witnesses_status status = status_now(&life);
    assert_int_equal(status.shown, leaves(&life));
    assert_int_equal(status.signed_, leaves(&life));
    for (unsigned i = 0; i < WITNESSES; i++) {
        assert_int_equal(status.witnesses[i].state, LOG_WITNESS_COSIGNS);
        assert_int_equal(status.witnesses[i].failed, 0);
    }
    life_close(&life);
}

static void without_the_quorum_readers_see_what_they_saw(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    scene_pay(&life.scene, 10);
    settle(&life);
    uint64_t before = leaves(&life);
    life.outside.wires[0] = WIRE_DOWN;
    scene_pay(&life.scene, 10);
    settle(&life);
    expect_shown(&life, leaves(&life), 2);
    before = leaves(&life);
    life.outside.wires[1] = WIRE_DOWN;
    for (unsigned i = 0; i < 3; i++) {
        scene_pay(&life.scene, 300);
        settle(&life);
        expect_shown(&life, before, 2);
    }
    uint32_t calls = life.outside.calls[0];
    uint32_t warnings = life.log.lines[LOG_WARNING];
    for (unsigned i = 0; i < 50; i++) settle(&life);             /* 100 seconds */
    assert_int_equal(life.log.lines[LOG_WARNING], warnings + 1); /* the quorum is missing */
    assert_true(life.outside.calls[0] - calls < 12);             /* it backs off */
    struct log_witnesses_status status = status_now(&life);
    assert_int_equal(status.witnesses[0].state, LOG_WITNESS_FAILS);
    assert_string_equal(status.witnesses[0].fault.message, "no connection");
    assert_true(status.signed_ > status.shown);
    life.outside.wires[0] = WIRE_GOOD;
    uint32_t lines = life.log.lines[LOG_INFO];
    for (unsigned i = 0; i < 50; i++) settle(&life);
    expect_shown(&life, leaves(&life), 2);
    assert_int_equal(life.log.lines[LOG_INFO], lines + 2); /* it cosigns; the quorum is back */
    life.outside.wires[1] = WIRE_GOOD;
    for (unsigned i = 0; i < 50; i++) settle(&life);
    expect_shown(&life, leaves(&life), 3);
    life_close(&life);
}

static void what_cannot_be_written_is_shown_later(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    scene_pay(&life.scene, 10);
    scene_settle(&life.scene);
    for (uint32_t i = 0; i < WITNESSES; i++) (void)log_witnesses_step(life.collector, i);
    life.scene.files->writes_left = 0;
    scene_settle(&life.scene);
    expect_shown(&life, 0, 0);
    life.scene.files->writes_left = UINT32_MAX;
    scene_settle(&life.scene);
    expect_shown(&life, leaves(&life), 3);
    life_close(&life);
}

static void an_answer_that_is_lost_is_asked_for_again(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    scene_pay(&life.scene, 10);
    settle(&life);
    life.outside.wires[2] = WIRE_LOST;
    scene_pay(&life.scene, 10);
    settle(&life);
    expect_shown(&life, leaves(&life), 2);
    life.outside.wires[2] = WIRE_GOOD; /* it has cosigned what we think it has not */
    for (unsigned i = 0; i < 5; i++) settle(&life);
    expect_shown(&life, leaves(&life), 3);
    life_close(&life);
}

static void a_new_life_goes_on_from_what_witnesses_know(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    scene_pay(&life.scene, 10);
    settle(&life);
    uint64_t before = leaves(&life);
    log_witnesses_close(life.collector);
    scene_pay(&life.scene, 10);
    collector_start(&life);
    scene_settle(&life.scene);
    expect_shown(&life, before, 3); /* what was shown stands */
    settle(&life);
    expect_shown(&life, leaves(&life), 3);
    for (unsigned i = 0; i < WITNESSES; i++) {
        assert_int_equal(rig_restart(life.outside.rigs[i]), STATUS_OK);
    }
    scene_pay(&life.scene, 10);
    settle(&life);
    expect_shown(&life, leaves(&life), 3);
    /* Damaged on the way: it is not shown, and comes again with the next quorum. */
    log_witnesses_close(life.collector);
    memory_find(&life.scene.files->port, STR("checkpoint"))->bytes[20] ^= 1;
    collector_start(&life);
    scene_settle(&life.scene);
    expect_shown(&life, 0, 0);
    settle(&life);
    expect_shown(&life, leaves(&life), 3);
    life_close(&life);
}

/* More is paid and signed, and the other two have cosigned it, before the slow one has answered. */
static void goes_on_beside(struct life *life)
{
    life->outside.wires[2] = WIRE_GOOD;
    for (unsigned turn = 0; turn < 3; turn++) {
        for (uint32_t i = 0; i < 2; i++) (void)log_witnesses_step(life->collector, i);
        scene_pay(&life->scene, 10);
        scene_settle(&life->scene);
        pass(life, LOG_WITNESSES_GATHER_MS);
    }
    for (uint32_t i = 0; i < 2; i++) (void)log_witnesses_step(life->collector, i);
    scene_settle(&life->scene);
}

static void an_answer_that_comes_late_is_of_what_was_asked(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    life.outside.life = &life;
    life.outside.wires[2] = WIRE_SLOW;
    scene_pay(&life.scene, 10);
    scene_settle(&life.scene);
    uint64_t asked = leaves(&life);
    assert_true(log_witnesses_step(life.collector, 2));
    scene_settle(&life.scene);
    struct log_witnesses_status status = status_now(&life);
    assert_int_equal(status.witnesses[2].size, asked);
    assert_true(status.candidate > asked);
    expect_shown(&life, status.candidate, 2);
    settle(&life);
    expect_shown(&life, leaves(&life), 3);
    life_close(&life);
}

static void what_is_no_cosignature_is_none(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        enum wire wire;
        enum log_witness_state state;
    } rows[] = {
        { WIRE_NONSENSE, LOG_WITNESS_FAILS },
        { WIRE_LOOPS, LOG_WITNESS_FAILS },
        { WIRE_FORBIDDEN, LOG_WITNESS_REFUSES },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct life life;
        life_open(&life);
        life.outside.wires[1] = rows[i].wire;
        scene_pay(&life.scene, 10);
        settle(&life);
        expect_shown(&life, leaves(&life), 2);
        assert_int_equal(status_now(&life).witnesses[1].state, rows[i].state);
        life_close(&life);
    }
}

/* The journal rolled back or forked together with log.head and log/: only witnesses know. */
static void witnesses_tell_a_log_that_has_two_histories(void **state)
{
    (void)state; /* no fixture */
    for (unsigned longer = 0; longer < 2; longer++) {
        struct life life;
        life_open(&life);
        scene_pay(&life.scene, 10);
        settle(&life);
        struct log_head head = life.scene.files->head;
        uint64_t batch = life.scene.bench->disk->head;
        scene_pay(&life.scene, 10);
        settle(&life);
        uint64_t seen = leaves(&life);
        expect_shown(&life, seen, 3);
        log_witnesses_close(life.collector);
        log_relay_close(life.scene.relay);
        life.scene.relay = NULL;
        bench_crash(life.scene.bench);
        disk_roll_back(life.scene.bench->disk, batch);
        files_clear(life.scene.files);
        life.scene.files->head = head;
        bench_open(life.scene.bench);
        scene_pay(&life.scene, longer ? 30 : 5);
        uint32_t alarms = life.log.lines[LOG_ALARM];
        collector_start(&life);
        settle(&life);
        struct log_witnesses_status status = status_now(&life);
        assert_int_equal(status.shown, 0);
        assert_int_equal(status.signed_ > seen, longer);
        for (unsigned i = 0; i < WITNESSES; i++) {
            assert_int_equal(status.witnesses[i].state, LOG_WITNESS_CONTRADICTS);
            assert_string_equal(
                status.witnesses[i].fault.message,
                longer ? "it finds the checkpoint inconsistent with the one it cosigned"
                       : "it has seen a longer log: this one was rolled back, or is not the only "
                         "one");
        }
        assert_int_equal(life.log.lines[LOG_ALARM], alarms + WITNESSES);
        for (unsigned i = 0; i < 50; i++) settle(&life);
        assert_int_equal(life.log.lines[LOG_ALARM], alarms + WITNESSES); /* said once */
        life_close(&life);
    }
}

static void receipts_carry_the_cosignatures(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    scene_pay(&life.scene, 100);
    struct payment_result made = scene_payment(&life.scene, 77);
    const struct payment_id id = { test_id(77) };
    BUF_SCOPE struct buf json;
    buf_init(&json, RECEIPT_SIZE_MAX);
    scene_settle(&life.scene);
    assert_int_equal(receipt_write(life.scene.relay, &life.scene.bench->store.port, made.position,
                                   id, &json, NULL),
                     STATUS_NOT_FOUND); /* signed, and cosigned by nobody */
    settle(&life);
    for (unsigned i = 0; i < 2; i++) { /* and while more is signed that nobody cosigned */
        buf_reset(&json);
        assert_int_equal(receipt_write(life.scene.relay, &life.scene.bench->store.port,
                                       made.position, id, &json, NULL),
                         STATUS_OK);
        struct note_key keys[WITNESSES];
        for (unsigned k = 0; k < WITNESSES; k++) keys[k] = life.witnesses[k].key;
        struct proof_trust trust = { .log = &life.scene.signer.key,
                                     .origin = STR("example.com/log"),
                                     .witnesses = keys,
                                     .witness_count = WITNESSES,
                                     .quorum = WITNESSES };
        struct receipt_facts facts;
        struct error error;
        struct arena arena;
        assert_int_equal(arena_init(&arena, 2 * RECEIPT_SIZE_MAX), STATUS_OK);
        assert_int_equal(receipt_verify(buf_view(&json), &trust, &arena, &facts, &error),
                         STATUS_OK);
        assert_int_equal(facts.proof.cosigned_by, WITNESSES);
        keys[1].public.bytes[0] ^= 1;
        assert_int_not_equal(receipt_verify(buf_view(&json), &trust, &arena, &facts, &error),
                             STATUS_OK);
        arena_done(&arena);
        for (unsigned k = 0; k < 4; k++) {
            scene_pay(&life.scene, 300);
            scene_settle(&life.scene);
        }
    }
    life_close(&life);
}

static void a_page_names_each_witness(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    life.outside.wires[1] = WIRE_DOWN;
    scene_pay(&life.scene, 10);
    settle(&life);
    BUF_SCOPE struct buf page;
    buf_init(&page, 64 << 10);
    log_witnesses_write_metrics(life.collector, &page);
    const char *text = buf_terminated(&page);
    assert_non_null(strstr(text, "tpwallet_log_quorum 2\n"));
    assert_non_null(strstr(text, "tpwallet_log_witness_state{witness=\"w0\"} 1\n"));
    assert_non_null(strstr(text, "tpwallet_log_witness_state{witness=\"w1\"} 2\n"));
    assert_non_null(strstr(text, "tpwallet_log_witness_behind{witness=\"w0\"} 0\n"));
    assert_non_null(strstr(text, "tpwallet_log_witness_behind{witness=\"w1\"} 12\n"));
    life_close(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_all_cosigned_is_shown),
        cmocka_unit_test(without_the_quorum_readers_see_what_they_saw),
        cmocka_unit_test(what_cannot_be_written_is_shown_later),
        cmocka_unit_test(an_answer_that_is_lost_is_asked_for_again),
        cmocka_unit_test(a_new_life_goes_on_from_what_witnesses_know),
        cmocka_unit_test(an_answer_that_comes_late_is_of_what_was_asked),
        cmocka_unit_test(what_is_no_cosignature_is_none),
        cmocka_unit_test(witnesses_tell_a_log_that_has_two_histories),
        cmocka_unit_test(receipts_carry_the_cosignatures),
        cmocka_unit_test(a_page_names_each_witness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
