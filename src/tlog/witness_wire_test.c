/*
 * Goal: an add-checkpoint request is read as C2SP tlog-witness has it, each content has one text,
 * and what is not one is refused with the reason; an answer is a cosignature only when it is one of
 * this witness over this checkpoint.
 * Method: requests that are almost right, in a table, cut at each byte, too long; answers in a
 * table, each bit of a cosignature flipped.
 */
#include "tlog/witness_wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tlog/note_test.h"

#define HASH_LINE "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
#define TEXT "example.com/log\n7\n" HASH_LINE
#define NOTE TEXT "\n\xe2\x80\x94 example.com/log AAAAAAAA\n"

static void a_request_has_one_text(void **state)
{
    (void)state; /* no fixture */
    static const struct str texts[] = {
        STR("old 0\n\n" NOTE),
        STR("old 5\n" HASH_LINE HASH_LINE "\n" NOTE),
        STR("old 9223372036854775807\n" HASH_LINE "\nwhatever"),
    };
    static const uint32_t counts[] = { 0, 2, 1 };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct witness_request request;
        struct error error;
        struct buf BUF_SCOPE again;
        buf_init(&again, WITNESS_REQUEST_SIZE_MAX);
        assert_int_equal(witness_request_parse(texts[i], &request, &error), STATUS_OK);
        assert_int_equal(request.proof.count, counts[i]);
        witness_request_format(&request, &again);
        assert_true(str_equal(buf_view(&again), texts[i]));
    }
}

static void what_is_almost_a_request_is_refused_with_the_reason(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        struct str text;
        const char *why;
    } rows[] = {
        { STR(""), "it does not begin with a line of 'old ' and a size" },
        { STR("old 5"), "it does not begin with a line of 'old ' and a size" },
        { STR("Old 5\n\n" NOTE), "it does not begin with a line of 'old ' and a size" },
        { STR("old\n\n" NOTE), "it does not begin with a line of 'old ' and a size" },
        { STR("\nold 5\n\n" NOTE), "it does not begin with a line of 'old ' and a size" },
        { STR("old \n\n" NOTE), "the old size is no number" },
        { STR("old  5\n\n" NOTE), "the old size is no number" },
        { STR("old 05\n\n" NOTE), "the old size is no number" },
        { STR("old +5\n\n" NOTE), "the old size is no number" },
        { STR("old -1\n\n" NOTE), "the old size is no number" },
        { STR("old 5 \n\n" NOTE), "the old size is no number" },
        { STR("old 5\r\n\r\n" NOTE), "the old size is no number" },
        { STR("old 9223372036854775808\n\n" NOTE), "the old size is no number" },
        { STR("old 5\n"), "there is no empty line behind the proof" },
        { STR("old 5\n" HASH_LINE), "there is no empty line behind the proof" },
        { STR("old 5\nAAAA\n\n" NOTE), "a line of the proof is no hash in base64" },
        { STR("old 5\n " HASH_LINE "\n" NOTE), "a line of the proof is no hash in base64" },
        /* spare bits that are not zero */
        { STR("old 5\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkax=\n\n" NOTE),
          "a line of the proof is no hash in base64" },
        { STR("old 5\n" NOTE), "a line of the proof is no hash in base64" },
        { STR("old 5\n\n"), "there is no checkpoint" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct witness_request request = { .old_size = 77 };
        struct error error;
        assert_int_equal(witness_request_parse(rows[i].text, &request, &error), STATUS_INVALID);
        assert_string_equal(error.detail, rows[i].why);
        assert_int_equal(request.old_size, 77);
    }
}

static void proof_and_body_have_a_bound(void **state)
{
    (void)state; /* no fixture */
    struct witness_request request;
    struct error error;
    struct buf BUF_SCOPE text;
    buf_init(&text, 2 * WITNESS_REQUEST_SIZE_MAX);
    for (uint32_t lines = 62; lines <= 65; lines++) {
        buf_reset(&text);
        buf_append_str(&text, STR("old 5\n"));
        for (uint32_t i = 0; i < lines; i++) buf_append_str(&text, STR(HASH_LINE));
        buf_append_str(&text, STR("\n" NOTE));
        bool fits = lines <= WITNESS_PROOF_HASHES_MAX;
        assert_int_equal(witness_request_parse(buf_view(&text), &request, &error) == STATUS_OK,
                         fits);
        if (!fits) assert_string_equal(error.detail, "the proof has more than 63 lines");
    }
    while (text.len <= WITNESS_REQUEST_SIZE_MAX) buf_append_byte(&text, 'x');
    assert_int_equal(witness_request_parse(buf_view(&text), &request, &error), STATUS_LIMIT);
}

static void a_cut_request_is_none_before_its_checkpoint(void **state)
{
    (void)state; /* no fixture */
    static const struct str whole = STR("old 5\n" HASH_LINE "\n" NOTE);
    static const size_t head = sizeof "old 5\n" HASH_LINE "\n" - 1;
    for (size_t len = 0; len <= head; len++) {
        struct witness_request request;
        struct error error;
        struct str cut = { whole.data, len };
        assert_int_equal(witness_request_parse(cut, &request, &error), STATUS_INVALID);
    }
}

/* ---- Answers ---- */

static struct witness_answer answer_of(unsigned http, struct str body,
                                       const struct note_signer *witness, struct error *error)
{
    struct witness_answer answer;
    const struct witness_asked asked = { STR(TEXT), 5, &witness->key };
    *error = (struct error){ 0 };
    witness_answer_read(http, body, &asked, &answer, error);
    return answer;
}

static void answers_are_what_they_say(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        unsigned http;
        const char *body;
        enum witness_answer_kind kind;
        uint64_t size;
    } rows[] = {
        { 409, "7\n", WITNESS_ANSWER_OTHER_SIZE, 7 },
        { 409, "0\n", WITNESS_ANSWER_OTHER_SIZE, 0 },
        { 409, "5\n", WITNESS_ANSWER_FORKED, 5 },
        { 409, "7", WITNESS_ANSWER_FAILED, 0 },
        { 409, "07\n", WITNESS_ANSWER_FAILED, 0 },
        { 409, "7\n\n", WITNESS_ANSWER_FAILED, 0 },
        { 409, "", WITNESS_ANSWER_FAILED, 0 },
        { 409, "99999999999999999999\n", WITNESS_ANSWER_FAILED, 0 },
        { 422, "no", WITNESS_ANSWER_FORKED, 0 },
        { 400, "", WITNESS_ANSWER_REFUSED, 0 },
        { 403, "", WITNESS_ANSWER_REFUSED, 0 },
        { 404, "", WITNESS_ANSWER_REFUSED, 0 },
        { 429, "", WITNESS_ANSWER_FAILED, 0 },
        { 500, "", WITNESS_ANSWER_FAILED, 0 },
        { 503, "", WITNESS_ANSWER_FAILED, 0 },
        { 204, "", WITNESS_ANSWER_FAILED, 0 },
        { 302, "", WITNESS_ANSWER_FAILED, 0 },
        { 200, "", WITNESS_ANSWER_FAILED, 0 },
        { 200, "7\n", WITNESS_ANSWER_FAILED, 0 },
        { 200, "\n\xe2\x80\x94 w AAAAAAAA\n", WITNESS_ANSWER_FAILED, 0 },
        { 200, "\xe2\x80\x94 w AAAAAAAA\n", WITNESS_ANSWER_FAILED, 0 }, /* of another key */
    };
    struct note_signer witness;
    test_signer(&witness, "w", NOTE_COSIGNATURE, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error;
        struct witness_answer answer =
            answer_of(rows[i].http, str_from(rows[i].body), &witness, &error);
        assert_int_equal(answer.kind, rows[i].kind);
        if (rows[i].size != 0) assert_int_equal(answer.size, rows[i].size);
        assert_int_equal(error.message[0] == 0, rows[i].kind == WITNESS_ANSWER_OTHER_SIZE);
    }
}

static void only_this_witness_over_this_checkpoint_has_cosigned(void **state)
{
    (void)state; /* no fixture */
    struct note_signer witness;
    struct note_signer other;
    struct error error;
    struct buf BUF_SCOPE body;
    buf_init(&body, WITNESS_ANSWER_SIZE_MAX);
    test_signer(&witness, "w", NOTE_COSIGNATURE, 3);
    test_signer(&other, "w", NOTE_COSIGNATURE, 4);
    cosignature_sign(&body, STR(TEXT), 50, &other);
    assert_int_equal(answer_of(200, buf_view(&body), &witness, &error).kind, WITNESS_ANSWER_FAILED);
    cosignature_sign(&body, STR(TEXT), 60, &witness);
    struct witness_answer answer = answer_of(200, buf_view(&body), &witness, &error);
    assert_int_equal(answer.kind, WITNESS_ANSWER_COSIGNED);
    assert_int_equal(answer.time_s, 60);

    struct buf BUF_SCOPE note;
    buf_init(&note, 4096);
    note_begin(&note, STR(TEXT));
    note_append_signature(&note, &witness.key, answer.cosignature, sizeof answer.cosignature);
    struct note parsed;
    uint64_t time_s;
    assert_int_equal(note_parse(buf_view(&note), &parsed, &error), STATUS_OK);
    assert_int_equal(cosignature_verify(&parsed, &witness.key, &time_s, &error), STATUS_OK);

    buf_reset(&body);
    cosignature_sign(&body, STR("example.com/log\n8\n" HASH_LINE), 60, &witness);
    assert_int_equal(answer_of(200, buf_view(&body), &witness, &error).kind, WITNESS_ANSWER_FAILED);

    buf_reset(&body);
    cosignature_sign(&body, STR(TEXT), 60, &witness);
    for (size_t i = 0; i < 8 * body.len; i++) {
        body.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(answer_of(200, buf_view(&body), &witness, &error).kind,
                         WITNESS_ANSWER_FAILED);
        body.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_one_text),
        cmocka_unit_test(what_is_almost_a_request_is_refused_with_the_reason),
        cmocka_unit_test(proof_and_body_have_a_bound),
        cmocka_unit_test(a_cut_request_is_none_before_its_checkpoint),
        cmocka_unit_test(answers_are_what_they_say),
        cmocka_unit_test(only_this_witness_over_this_checkpoint_has_cosigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
