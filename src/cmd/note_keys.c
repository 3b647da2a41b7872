#include "cmd/note_keys.h"

bool note_keys_take_word(struct str *rest, struct str *out_word)
{
    if (rest->len == 0) return false;
    const char *comma = memchr(rest->data, ',', rest->len);
    size_t len = comma == NULL ? rest->len : (size_t)(comma - rest->data);
    *out_word = (struct str){ rest->data, len };
    size_t taken = len + (comma != NULL);
    *rest = (struct str){ rest->data + taken, rest->len - taken };
    return true;
}

static bool is_same(const struct note_key *a, const struct note_key *b)
{
    return a->id == b->id && str_equal(note_key_name(a), note_key_name(b));
}

enum status note_keys_parse(const struct note_keys_option *option, struct str text,
                            struct note_key *out_keys, uint32_t *out_count, struct error *out_error)
{
    struct str rest = text;
    struct str word;
    uint32_t count = 0;
    while (note_keys_take_word(&rest, &word)) {
        bool good = count < option->count_max &&
                    note_key_parse(word, &out_keys[count]) == STATUS_OK &&
                    out_keys[count].kind == option->kind;
        if (!good) {
            return error_set(out_error, STATUS_INVALID,
                             "--%s is up to %u keys of %s, with commas between", option->name,
                             option->count_max,
                             option->kind == NOTE_ED25519 ? "logs" : "cosigners");
        }
        for (uint32_t i = 0; i < count; i++) {
            if (!is_same(&out_keys[i], &out_keys[count])) continue;
            return error_set(out_error, STATUS_INVALID, "--%s names one twice", option->name);
        }
        count++;
    }
    if (count == 0) return error_set(out_error, STATUS_INVALID, "--%s is empty", option->name);
    *out_count = count;
    return STATUS_OK;
}
