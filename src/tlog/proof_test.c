/*
 * Goal: a proof file is read as C2SP tlog-proof has it, and proves only what the log signed and
 * enough witnesses saw.
 * Method: proofs made of a tree in memory, read back and verified; each bit flipped and each
 * part exchanged; the file cut at each byte; files that are almost proofs, in a table.
 */
#include "tlog/proof.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "tlog/note_test.h"
#include "tlog/tree_test.h"

enum { SIZE = 37, INDEX = 11, WITNESSES = 3 };
static const struct str ORIGIN = { "example.com/log", 15 };

struct life {
    struct memory_tree memory;
    struct note_signer log;
    struct note_signer signers[WITNESSES];
    struct note_key witnesses[WITNESSES];
    struct buf note;
    struct buf file;
};

static void checkpoint_make(struct life *life, uint64_t size, unsigned cosigners)
{
    struct checkpoint checkpoint = { .origin = ORIGIN, .head.size = size };
    assert_int_equal(tree_read_root(&life->memory.reader, size, &checkpoint.head.root), STATUS_OK);
    struct buf BUF_SCOPE text;
    buf_init(&text, CHECKPOINT_TEXT_SIZE_MAX);
    assert_int_equal(checkpoint_format(&checkpoint, &text), STATUS_OK);
    buf_reset(&life->note);
    note_begin(&life->note, buf_view(&text));
    note_sign(&life->note, buf_view(&text), &life->log);
    for (unsigned i = 0; i < cosigners; i++) {
        cosignature_sign(&life->note, buf_view(&text), 1000 + i, &life->signers[i]);
    }
}

static void file_make(struct life *life, struct str extra)
{
    struct proof proof = { .index = INDEX, .extra = extra };
    proof.checkpoint = buf_view(&life->note);
    assert_int_equal(tree_prove_inclusion(&life->memory.reader, INDEX, SIZE, &proof.inclusion),
                     STATUS_OK);
    buf_reset(&life->file);
    proof_format(&proof, &life->file);
    assert_int_equal(buf_status(&life->file), STATUS_OK);
}

static int life_begin(void **state)
{
    struct life *life = calloc(1, sizeof *life);
    assert_non_null(life);
    memory_tree_init(&life->memory, SIZE + 3, 0);
    test_signer(&life->log, "example.com/log", NOTE_ED25519, 1);
    static const char *const names[WITNESSES] = { "w1", "w2", "w3" };
    for (unsigned i = 0; i < WITNESSES; i++) {
        test_signer(&life->signers[i], names[i], NOTE_COSIGNATURE, (uint8_t)(10 + i));
        life->witnesses[i] = life->signers[i].key;
    }
    buf_init(&life->note, NOTE_SIZE_MAX);
    buf_init(&life->file, PROOF_SIZE_MAX + 10);
    checkpoint_make(life, SIZE, 2);
    file_make(life, STR("TWFu"));
    *state = life;
    return 0;
}

static int life_end(void **state)
{
    struct life *life = *state;
    memory_tree_done(&life->memory);
    buf_free(&life->note);
    buf_free(&life->file);
    free(life);
    return 0;
}

static enum status verify(struct life *life, struct str bytes, uint32_t quorum,
                          struct proof_facts *facts, struct error *error)
{
    struct proof proof;
    struct proof_trust trust = {
        .log = &life->log.key,
        .origin = ORIGIN,
        .witnesses = life->witnesses,
        .witness_count = WITNESSES,
        .quorum = quorum,
    };
    enum status status = proof_parse(bytes, &proof, error);
    if (status != STATUS_OK) return status;
    const struct digest *leaf = &life->memory.levels[0][INDEX];
    return proof_verify(&proof, leaf, &trust, facts, error);
}

static void what_is_proven_is_told(void **state)
{
    struct life *life = *state;
    struct proof proof;
    struct proof_facts facts = { 0 };
    struct error error;
    assert_int_equal(proof_parse(buf_view(&life->file), &proof, &error), STATUS_OK);
    assert_int_equal(proof.index, INDEX);
    assert_true(str_equal(proof.extra, STR("TWFu")));
    assert_true(str_equal(proof.checkpoint, buf_view(&life->note)));
    assert_int_equal(verify(life, buf_view(&life->file), 2, &facts, &error), STATUS_OK);
    assert_int_equal(facts.head.size, SIZE);
    assert_int_equal(facts.cosigned_by, 2);
    assert_int_equal(facts.cosigned_s, 1001);
    struct buf BUF_SCOPE again;
    buf_init(&again, PROOF_SIZE_MAX);
    proof_format(&proof, &again);
    assert_true(str_equal(buf_view(&again), buf_view(&life->file)));
    file_make(life, STR(""));
    assert_int_equal(proof_parse(buf_view(&life->file), &proof, &error), STATUS_OK);
    assert_int_equal(proof.extra.len, 0);
    assert_int_equal(verify(life, buf_view(&life->file), 0, &facts, &error), STATUS_OK);
}

/* But the extra data, which nobody signed, and the cosignatures that are not asked for. */
static void no_changed_bit_is_believed(void **state)
{
    struct life *life = *state;
    checkpoint_make(life, SIZE, 1);
    file_make(life, STR("TWFu"));
    size_t extra = sizeof "c2sp.org/tlog-proof@v1\nextra " - 1;
    for (size_t i = 0; i < 8 * life->file.len; i++) {
        struct proof_facts facts;
        struct error error;
        life->file.data[i / 8] ^= (uint8_t)(1 << i % 8);
        enum status status = verify(life, buf_view(&life->file), 1, &facts, &error);
        bool unsigned_part = i / 8 >= extra && i / 8 < extra + 4;
        if (status == STATUS_OK && !unsigned_part) fail_msg("bit %zu is not looked at", i);
        life->file.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void a_cut_file_proves_nothing(void **state)
{
    struct life *life = *state;
    for (size_t len = 0; len < life->file.len; len++) {
        struct proof_facts facts = { .cosigned_by = 77 };
        struct error error;
        struct str cut = { (const char *)life->file.data, len };
        assert_int_not_equal(verify(life, cut, 2, &facts, &error), STATUS_OK);
        assert_int_equal(facts.cosigned_by, 77);
    }
}

static void too_few_witnesses_are_not_enough(void **state)
{
    struct life *life = *state;
    struct proof_facts facts;
    struct error error;
    assert_int_equal(verify(life, buf_view(&life->file), 3, &facts, &error), STATUS_DENIED);
    assert_string_equal(error.message, "2 witnesses cosigned the checkpoint, not 3");
    checkpoint_make(life, SIZE, 3);
    file_make(life, STR(""));
    assert_int_equal(verify(life, buf_view(&life->file), 3, &facts, &error), STATUS_OK);
    /* Something wrong in a witness's name, though the others would be enough. */
    note_append_signature(&life->note, &life->witnesses[2], "x", 1);
    file_make(life, STR(""));
    assert_int_equal(verify(life, buf_view(&life->file), 1, &facts, &error), STATUS_DENIED);
}

static void a_checkpoint_of_another_size_does_not_prove_it(void **state)
{
    struct life *life = *state;
    struct proof_facts facts;
    struct error error;
    checkpoint_make(life, SIZE + 3, 2);
    file_make(life, STR(""));
    assert_int_equal(verify(life, buf_view(&life->file), 2, &facts, &error), STATUS_INVALID);
}

static void another_log_proves_nothing(void **state)
{
    struct life *life = *state;
    struct proof_facts facts;
    struct error error;
    struct note_signer other;
    test_signer(&other, "example.com/log", NOTE_ED25519, 99);
    life->log.key = other.key;
    assert_int_equal(verify(life, buf_view(&life->file), 0, &facts, &error), STATUS_NOT_FOUND);
}

static void what_is_almost_a_proof_is_refused(void **state)
{
    (void)state; /* its life is not needed */
#define HEAD "c2sp.org/tlog-proof@v1\n"
#define HASH "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
    static const char *const wrong[] = {
        "",
        HEAD,
        "c2sp.org/tlog-proof@v2\nindex 5\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\r\nindex 5\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1 \nindex 5\n\ncheckpoint\n",
        HEAD "index 5\n",
        HEAD "index 5\n\n",
        HEAD "index 5\n" HASH,
        HEAD "index 05\n\ncheckpoint\n",
        HEAD "index \n\ncheckpoint\n",
        HEAD "index -1\n\ncheckpoint\n",
        HEAD "index 9223372036854775807\n\ncheckpoint\n",
        HEAD "Index 5\n\ncheckpoint\n",
        HEAD "\nindex 5\n\ncheckpoint\n",
        HEAD "extra \nindex 5\n\ncheckpoint\n",
        HEAD "extra TWF\nindex 5\n\ncheckpoint\n",
        HEAD "extra TWFv=\nindex 5\n\ncheckpoint\n",
        HEAD "extra TWE=TWFu\nindex 5\n\ncheckpoint\n",
        HEAD "extra TWFu TWFu\nindex 5\n\ncheckpoint\n",
        HEAD
        "extra TWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWE=TWFu\nindex 5\n\nc\n",
        HEAD "extra TWFu\nextra TWFu\nindex 5\n\ncheckpoint\n",
        HEAD "extra TWFu\n",
        HEAD "index 5\nextra TWFu\n\ncheckpoint\n",
        HEAD "index 5\nindex 5\n\ncheckpoint\n",
        HEAD "index 5\nTWFu\n\ncheckpoint\n",
        HEAD "index 5\n" HASH " " HASH "\ncheckpoint\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct proof proof = { .index = 77 };
        struct error error;
        if (proof_parse(str_from(wrong[i]), &proof, &error) != STATUS_INVALID) {
            fail_msg("proof %zu is read", i);
        }
        assert_int_equal(proof.index, 77);
        assert_true(error.detail[0] != '\0');
    }
    struct proof proof;
    struct error error;
    assert_int_equal(proof_parse(STR(HEAD "index 0\n" HASH HASH "\nx"), &proof, &error), STATUS_OK);
    assert_int_equal(proof.inclusion.count, 2);
}

static void limits_hold_from_both_sides(void **state)
{
    struct life *life = *state;
    struct proof proof;
    struct error error;
    for (unsigned extra = 0; extra < 2; extra++) {
        buf_reset(&life->file);
        buf_append_str(&life->file, STR(HEAD "index 5\n"));
        for (unsigned i = 0; i < TREE_PROOF_HASHES_MAX + extra; i++) {
            buf_append_str(&life->file, STR(HASH));
        }
        buf_append_str(&life->file, STR("\nc\n"));
        assert_int_equal(proof_parse(buf_view(&life->file), &proof, &error),
                         extra == 0 ? STATUS_OK : STATUS_LIMIT);
    }
    for (unsigned extra = 0; extra < 2; extra++) {
        buf_reset(&life->file);
        buf_append_str(&life->file, STR(HEAD "extra "));
        for (unsigned i = 0; i < PROOF_EXTRA_LEN_MAX / 4 + extra; i++) {
            buf_append_str(&life->file, STR("TWFu"));
        }
        buf_append_str(&life->file, STR("\nindex 5\n\nc\n"));
        assert_int_equal(proof_parse(buf_view(&life->file), &proof, &error),
                         extra == 0 ? STATUS_OK : STATUS_INVALID);
    }
    while (life->file.len < PROOF_SIZE_MAX) buf_append_byte(&life->file, 'x');
    assert_int_equal(proof_parse(buf_view(&life->file), &proof, &error), STATUS_INVALID);
    buf_append_byte(&life->file, 'x');
    assert_int_equal(proof_parse(buf_view(&life->file), &proof, &error), STATUS_LIMIT);
}

#define LIFE_TEST(test) cmocka_unit_test_setup_teardown(test, life_begin, life_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE_TEST(what_is_proven_is_told),
        LIFE_TEST(no_changed_bit_is_believed),
        LIFE_TEST(a_cut_file_proves_nothing),
        LIFE_TEST(too_few_witnesses_are_not_enough),
        LIFE_TEST(a_checkpoint_of_another_size_does_not_prove_it),
        LIFE_TEST(another_log_proves_nothing),
        LIFE_TEST(what_is_almost_a_proof_is_refused),
        LIFE_TEST(limits_hold_from_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
