/*
 * Goal: every leaf and every growth of a log's folder is proven to somebody with its key; nothing
 * changed, cut, of another log, or beyond what is shown is.
 * Method: a lane and its log in memory; all leaves and all sizes over several tiles; each byte of
 * proofs changed, and the files cut.
 */
#include "wallet/log_proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_relay_test.h"

struct life {
    struct log_scene scene;
    struct proof_trust trust;
    struct buf file;
    struct buf kept; /* a checkpoint of before */
    uint64_t kept_size;
};

static void kept_take(struct life *life)
{
    assert_int_equal(log_relay_read(life->scene.relay, STR("checkpoint"), &life->kept, NULL),
                     STATUS_OK);
    life->kept_size = life->scene.files->head.size;
}

static void life_open(struct life *life)
{
    *life = (struct life){ 0 };
    scene_open(&life->scene);
    life->trust =
        (struct proof_trust){ .log = &life->scene.signer.key, .origin = STR("example.com/log") };
    buf_init(&life->file, LOG_PROOF_SIZE_MAX);
    buf_init(&life->kept, NOTE_SIZE_MAX);
    scene_pay(&life->scene, 290);
    scene_settle(&life->scene);
    kept_take(life);
    scene_pay(&life->scene, 300);
    scene_settle(&life->scene);
}

static void life_close(struct life *life)
{
    buf_free(&life->file);
    buf_free(&life->kept);
    scene_close(&life->scene);
}

static enum status verify(struct life *life, struct log_proof_facts *facts)
{
    struct error error;
    return log_proof_verify(buf_view(&life->file), buf_view(&life->kept), &life->trust, facts,
                            &error);
}

static void every_leaf_is_proven(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    uint64_t size = life.scene.files->head.size;
    struct log_store *store = &life.scene.files->port;
    struct log_proof_facts facts;
    struct error error;
    for (uint64_t index = 0; index < size; index += index < 250 ? 7 : 1) {
        uint64_t found = 0;
        buf_reset(&life.file);
        assert_int_equal(log_proof_leaf(store, index, &life.file, &error), STATUS_OK);
        assert_int_equal(verify(&life, &facts), STATUS_OK);
        assert_false(facts.grown);
        assert_int_equal(facts.index, index);
        assert_int_equal(facts.proof.head.size, size);
        assert_int_equal(log_proof_find(store, facts.place.batch, facts.place.unit, &found, &error),
                         STATUS_OK);
        assert_int_equal(found, index);
    }
    buf_reset(&life.file);
    assert_int_equal(log_proof_leaf(store, size, &life.file, &error), STATUS_NOT_FOUND);
    assert_string_equal(error.message, "the checkpoint that is shown has 592 leaves");
    assert_int_equal(life.file.len, 0);
    life_close(&life);
}

static void growth_is_proven_from_what_was_kept(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_open(&life);
    struct log_store *store = &life.scene.files->port;
    struct log_proof_facts facts;
    struct error error;
    assert_int_equal(log_proof_growth(store, life.kept_size, &life.file, &error), STATUS_OK);
    assert_int_equal(verify(&life, &facts), STATUS_OK);
    assert_true(facts.grown);
    assert_int_equal(facts.old_size, life.kept_size);
    assert_int_equal(facts.proof.head.size, life.scene.files->head.size);
    for (uint64_t size = 1; size <= life.scene.files->head.size; size += 13) {
        buf_reset(&life.file);
        assert_int_equal(log_proof_growth(store, size, &life.file, &error), STATUS_OK);
        assert_int_equal(verify(&life, &facts) == STATUS_OK, size == life.kept_size);
    }
    buf_reset(&life.file);
    assert_int_equal(log_proof_growth(store, 593, &life.file, &error), STATUS_NOT_FOUND);
    buf_reset(&life.kept);
    assert_int_equal(log_proof_growth(store, 5, &life.file, &error), STATUS_OK);
    assert_int_equal(verify(&life, &facts), STATUS_INVALID); /* nothing was kept */
    life_close(&life);
}

static void expect_no_change_verifies(struct life *life)
{
    struct log_proof_facts facts;
    for (size_t i = 0; i < life->file.len; i++) {
        life->file.data[i] ^= 1;
        if (verify(life, &facts) == STATUS_OK) fail_msg("byte %zu is not looked at", i);
        life->file.data[i] ^= 1;
    }
    size_t whole = life->file.len;
    for (life->file.len = 0; life->file.len < whole; life->file.len++) {
        assert_int_not_equal(verify(life, &facts), STATUS_OK);
    }
    assert_int_equal(verify(life, &facts), STATUS_OK);
    life->trust.origin = STR("example.com/another");
    assert_int_not_equal(verify(life, &facts), STATUS_OK);
    life->trust.origin = STR("example.com/log");
}

static void nothing_changed_is_proven(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    struct error error;
    life_open(&life);
    assert_int_equal(log_proof_leaf(&life.scene.files->port, 300, &life.file, &error), STATUS_OK);
    expect_no_change_verifies(&life);
    buf_reset(&life.file);
    assert_int_equal(log_proof_growth(&life.scene.files->port, life.kept_size, &life.file, &error),
                     STATUS_OK);
    expect_no_change_verifies(&life);
    struct log_proof_facts facts;
    life.kept.data[20] ^= 1;
    assert_int_not_equal(verify(&life, &facts), STATUS_OK);
    life_close(&life);
}

static void without_a_checkpoint_nothing_is_proven(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    struct error error;
    life_open(&life);
    struct log_store *store = &life.scene.files->port;
    memory_find(store, STR("checkpoint"))->bytes[18] ^= 1;
    assert_int_equal(log_proof_leaf(store, 0, &life.file, &error), STATUS_CORRUPT);
    files_clear(life.scene.files);
    assert_int_equal(log_proof_leaf(store, 0, &life.file, &error), STATUS_NOT_FOUND);
    assert_string_equal(error.message, "the log shows no checkpoint yet");
    life_close(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_is_proven),
        cmocka_unit_test(growth_is_proven_from_what_was_kept),
        cmocka_unit_test(nothing_changed_is_proven),
        cmocka_unit_test(without_a_checkpoint_nothing_is_proven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
