/* Names of kinds and flags, from the tables in the header. */
#include "model/account.h"

#include "base/check.h"

struct word {
    uint16_t value;
    const char *text;
};

#define ACCOUNT_WORD(name, number, spelling) { .value = (number), .text = (spelling) },
static const struct word kinds[] = { ACCOUNT_KIND_TABLE(ACCOUNT_WORD) };
static const struct word flags[] = { ACCOUNT_FLAG_TABLE(ACCOUNT_WORD) };
#undef ACCOUNT_WORD

enum {
    KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]),
    FLAG_COUNT = sizeof(flags) / sizeof(flags[0]),
};

static const char *word_text(const struct word *words, size_t count, unsigned value)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].value == value) return words[i].text;
    }
    return NULL;
}

static bool word_value(const struct word *words, size_t count, struct str text, uint16_t *out_value)
{
    CHECK(out_value != NULL);
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(text, str_from(words[i].text))) continue;
        *out_value = words[i].value;
        return true;
    }
    return false;
}

const char *account_kind_name(unsigned kind)
{
    return word_text(kinds, KIND_COUNT, kind);
}

bool account_kind_parse(struct str text, uint16_t *out_kind)
{
    return word_value(kinds, KIND_COUNT, text, out_kind);
}

const char *account_flag_name(unsigned flag)
{
    return word_text(flags, FLAG_COUNT, flag);
}

bool account_flag_parse(struct str text, uint16_t *out_flag)
{
    return word_value(flags, FLAG_COUNT, text, out_flag);
}

bool account_same_content(const struct account *a, const struct account *b)
{
    CHECK(a != NULL);
    CHECK(b != NULL);
    return a->asset == b->asset && a->kind == b->kind &&
           (a->flags & ACCOUNT_FLAGS_BOUND) == (b->flags & ACCOUNT_FLAGS_BOUND) &&
           uuid_equal(a->user_ref, b->user_ref) && uuid_equal(a->metadata_ref, b->metadata_ref);
}
