/*
 * Goal: a receipt of every payment verifies with the log's key and nothing else; with any byte
 * changed it does not, nor with another key, another origin or a quorum that it lacks; a payment
 * that is not signed yet has none.
 * Method: payments of a lane in memory; every byte of a receipt changed in turn; members taken
 * from another receipt.
 */
#include "wallet/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_relay_test.h"

struct rig {
    struct log_scene scene;
    struct position first;
    struct position second;
};

static void rig_open(struct rig *rig)
{
    scene_open(&rig->scene);
    scene_pay(&rig->scene, 120);
    rig->first = scene_payment(&rig->scene, 501).position;
    scene_pay(&rig->scene, 200);
    rig->second = scene_payment(&rig->scene, 502).position;
    scene_settle(&rig->scene);
}

static enum status write(struct rig *rig, struct position unit, uint64_t number, struct buf *out)
{
    buf_reset(out);
    const struct payment_id id = { test_id(number) };
    return receipt_write(rig->scene.relay, &rig->scene.bench->store.port, unit, id, out, NULL);
}

static enum status verify(struct rig *rig, struct str text, struct receipt_facts *out_facts)
{
    struct error error = { 0 };
    struct arena arena;
    const struct note_key *key = &rig->scene.signer.key;
    const struct proof_trust trust = { .log = key, .origin = note_key_name(key) };
    assert_int_equal(arena_init(&arena, 2 * RECEIPT_SIZE_MAX), STATUS_OK);
    enum status status = receipt_verify(text, &trust, &arena, out_facts, &error);
    arena_done(&arena);
    assert_int_equal(status == STATUS_OK, error.message[0] == '\0');
    return status;
}

static void a_receipt_verifies(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    struct receipt_facts facts;
    rig_open(&rig);
    BUF_SCOPE struct buf text;
    buf_init(&text, RECEIPT_SIZE_MAX);
    assert_int_equal(write(&rig, rig.first, 501, &text), STATUS_OK);
    assert_int_equal(verify(&rig, buf_view(&text), &facts), STATUS_OK);
    assert_true(uuid_equal(facts.record.payment.id.value, test_id(501)));
    assert_int_equal((uint64_t)facts.record.payment.amount.minor, 250);
    assert_int_equal(facts.index, 2 + 120);
    assert_int_equal(facts.place.batch, rig.first.batch);
    assert_int_equal(facts.proof.head.size, rig.scene.files->head.size);
    assert_int_equal(write(&rig, rig.second, 502, &text), STATUS_OK);
    assert_int_equal(verify(&rig, buf_view(&text), &facts), STATUS_OK);
    assert_int_equal(write(&rig, rig.second, 501, &text), STATUS_NOT_FOUND);
    struct position third = scene_payment(&rig.scene, 503).position;
    assert_int_equal(write(&rig, third, 503, &text), STATUS_NOT_FOUND); /* not signed yet */
    scene_settle(&rig.scene);
    assert_int_equal(write(&rig, third, 503, &text), STATUS_OK);
    scene_close(&rig.scene);
}

static void no_changed_byte_is_verified(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    struct receipt_facts facts;
    rig_open(&rig);
    BUF_SCOPE struct buf text;
    buf_init(&text, RECEIPT_SIZE_MAX);
    assert_int_equal(write(&rig, rig.first, 501, &text), STATUS_OK);
    for (size_t at = 0; at < text.len; at++) {
        for (uint8_t bit = 1; bit <= 4; bit = (uint8_t)(bit * 4)) {
            text.data[at] ^= bit;
            assert_int_not_equal(verify(&rig, buf_view(&text), &facts), STATUS_OK);
            text.data[at] ^= bit;
        }
        assert_int_not_equal(verify(&rig, (struct str){ (char *)text.data, at }, &facts),
                             STATUS_OK);
    }
    assert_int_equal(verify(&rig, buf_view(&text), &facts), STATUS_OK);
    scene_close(&rig.scene);
}

/* The string member's value, quotes included. */
static struct str member(const struct buf *text, const char *name)
{
    struct str all = buf_view(text);
    size_t len = strlen(name);
    for (size_t at = 0; at + len + 4 < all.len; at++) {
        if (all.data[at] != '"' || memcmp(all.data + at + 1, name, len) != 0) continue;
        if (memcmp(all.data + at + 1 + len, "\":", 2) != 0) continue;
        size_t begin = at + len + 3;
        char end = all.data[begin] == '{' ? '}' : '"';
        size_t stop = begin + 1;
        while (all.data[stop] != end) stop++;
        return (struct str){ all.data + begin, stop + 1 - begin };
    }
    fail_msg("no member %s", name);
    return STR("");
}

static void parts_of_another_receipt_do_not_fit(void **state)
{
    (void)state; /* no fixture */
    static const char *const names[] = { "payment", "salt", "record", "leaf", "proof" };
    struct rig rig;
    struct receipt_facts facts;
    rig_open(&rig);
    BUF_SCOPE struct buf one;
    BUF_SCOPE struct buf other;
    BUF_SCOPE struct buf mixed;
    buf_init(&one, RECEIPT_SIZE_MAX);
    buf_init(&other, RECEIPT_SIZE_MAX);
    buf_init(&mixed, RECEIPT_SIZE_MAX);
    assert_int_equal(write(&rig, rig.first, 501, &one), STATUS_OK);
    assert_int_equal(write(&rig, rig.second, 502, &other), STATUS_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str old = member(&one, names[i]);
        struct str all = buf_view(&one);
        size_t before = (size_t)(old.data - all.data);
        buf_reset(&mixed);
        buf_append_str(&mixed, (struct str){ all.data, before });
        buf_append_str(&mixed, member(&other, names[i]));
        buf_append_str(&mixed, (struct str){ old.data + old.len, all.len - before - old.len });
        assert_int_not_equal(verify(&rig, buf_view(&mixed), &facts), STATUS_OK);
    }
    scene_close(&rig.scene);
}

static void another_key_or_a_quorum_is_not_met(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    struct receipt_facts facts;
    struct note_signer other;
    struct note_signer witness;
    struct arena arena;
    uint8_t seed[ED25519_SEED_SIZE] = { 9 };
    uint8_t witness_seed[ED25519_SEED_SIZE] = { 10 };
    rig_open(&rig);
    BUF_SCOPE struct buf text;
    buf_init(&text, RECEIPT_SIZE_MAX);
    assert_int_equal(write(&rig, rig.first, 501, &text), STATUS_OK);
    assert_int_equal(note_signer_make(STR("example.com/log"), NOTE_ED25519, seed, &other),
                     STATUS_OK);
    assert_int_equal(note_signer_make(STR("witness"), NOTE_COSIGNATURE, witness_seed, &witness),
                     STATUS_OK);
    const struct note_key *key = &rig.scene.signer.key;
    const struct proof_trust wrong[] = {
        { .log = &other.key, .origin = note_key_name(&other.key) },
        { .log = key, .origin = STR("example.com/other") },
        { key, note_key_name(key), &witness.key, 1, 1 },
    };
    assert_int_equal(arena_init(&arena, 2 * RECEIPT_SIZE_MAX), STATUS_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_not_equal(receipt_verify(buf_view(&text), &wrong[i], &arena, &facts, NULL),
                             STATUS_OK);
    }
    arena_done(&arena);
    note_signer_done(&other);
    note_signer_done(&witness);
    scene_close(&rig.scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_verifies),
        cmocka_unit_test(no_changed_byte_is_verified),
        cmocka_unit_test(parts_of_another_receipt_do_not_fit),
        cmocka_unit_test(another_key_or_a_quorum_is_not_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
