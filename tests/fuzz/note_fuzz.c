/*
 * Goal: whatever bytes come as a note or as a key, the parsers stay inside them, and what they
 * accept is written again as the same bytes.
 * Method: the input as a note, whose parts are put together again, verified with a key that did
 * not sign it; and as the text of a key and of a signer.
 */
#include <stdint.h>

#include "base/check.h"
#include "tlog/cosignature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_note(struct str input)
{
    struct note note;
    struct error error;
    if (note_parse(input, &note, &error) != STATUS_OK) return;
    CHECK(note_text_is_valid(note.text));
    struct buf again;
    buf_init(&again, NOTE_SIZE_MAX + 1);
    note_begin(&again, note.text);
    for (uint32_t i = 0; i < note.signature_count; i++) {
        buf_append_str(&again, STR("\xe2\x80\x94 "));
        buf_append_str(&again, note.signatures[i].name);
        buf_append_byte(&again, ' ');
        buf_append_str(&again, note.signatures[i].encoded);
        buf_append_byte(&again, '\n');
    }
    CHECK(str_equal(buf_view(&again), input));
    buf_free(&again);

    /* Somebody else's key, given the name and id of the first signature. */
    struct note_key key = { .kind = NOTE_ED25519, .id = note.signatures[0].id };
    uint64_t time_s;
    if (note.signatures[0].name.len > NOTE_NAME_LEN_MAX) return;
    key.name_len = note.signatures[0].name.len;
    memcpy(key.name, note.signatures[0].name.data, key.name_len);
    CHECK(note_verify(&note, &key, &error) == STATUS_DENIED);
    key.kind = NOTE_COSIGNATURE;
    CHECK(cosignature_verify(&note, &key, &time_s, &error) == STATUS_DENIED);
}

static void parse_keys(struct str input)
{
    struct note_key key;
    struct note_signer signer;
    char text[NOTE_KEY_TEXT_SIZE];
    if (note_key_parse(input, &key) == STATUS_OK) {
        CHECK(str_equal(note_key_format(&key, text), input));
    }
    if (note_signer_parse(input, &signer) == STATUS_OK) {
        CHECK(str_equal(note_signer_format(&signer, text), input));
        note_signer_done(&signer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    parse_note(input);
    parse_keys(input);
    return 0;
}
