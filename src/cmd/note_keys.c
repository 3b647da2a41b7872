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

/* The word is not repeated: it may be the private key. */
static enum status no_key(const struct note_keys_option *option, uint32_t number,
                          struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID, "key %u of --%s is no public key of this kind",
                    number, option->name);
    error_hint(out_error, "NAME+HASH+KEY, as `%s` prints it; several with commas between",
               option->shown_by);
    return STATUS_INVALID;
}

enum status note_keys_parse(const struct note_keys_option *option, struct str text,
                            struct note_key *out_keys, uint32_t *out_count, struct error *out_error)
{
    struct str rest = text;
    struct str word;
    uint32_t count = 0;
    while (note_keys_take_word(&rest, &word)) {
        if (count == option->count_max) {
            return error_set(out_error, STATUS_INVALID, "--%s takes %u keys at most", option->name,
                             option->count_max);
        }
        bool good = note_key_parse(word, &out_keys[count]) == STATUS_OK &&
                    out_keys[count].kind == option->kind;
        if (!good) return no_key(option, count + 1, out_error);
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
