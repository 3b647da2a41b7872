#include "doctor/reconcile_line.h"

#include <string.h>

#include "base/check.h"
#include "crypto/digest.h"

struct uuid reconcile_digest(struct str text)
{
    CHECK(text.len <= RECONCILE_TEXT_MAX);
    struct uuid key = { 0 };
    if (text.len == 0) return key;
    struct digest digest = digest_of(text.data, text.len);
    memcpy(&key, digest.bytes, sizeof key);
    if (uuid_is_nil(key)) key.lo = 1;
    return key;
}

void reconcile_label(struct str text, char out_label[RECONCILE_LABEL_SIZE])
{
    size_t len = text.len < RECONCILE_LABEL_SIZE ? text.len : RECONCILE_LABEL_SIZE - 1;
    for (size_t i = 0; i < len; i++) {
        char c = text.data[i];
        out_label[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    memset(out_label + len, 0, RECONCILE_LABEL_SIZE - len);
}

static int order_u64(uint64_t a, uint64_t b)
{
    if (a == b) return 0;
    return a < b ? -1 : 1;
}

/* What ends every order: side, id (so that repeated lines are neighbours), time, place. */
static int tail_compare(const struct reconcile_line *a, const struct reconcile_line *b)
{
    int order = (int)a->side - (int)b->side;
    if (order == 0) order = uuid_compare(a->id, b->id);
    if (order != 0) return order < 0 ? -1 : 1;
    if (a->at.ns != b->at.ns) return a->at.ns < b->at.ns ? -1 : 1;
    return order_u64(a->line, b->line);
}

static int value_compare(const struct reconcile_line *a, const struct reconcile_line *b)
{
    int order = order_u64(a->currency, b->currency);
    return order != 0 ? order : signed_amount_compare(a->amount, b->amount);
}

int reconcile_by_key(const void *a, const void *b)
{
    const struct reconcile_line *left = a;
    const struct reconcile_line *right = b;
    int order = uuid_compare(left->key, right->key);
    if (order == 0) order = value_compare(left, right);
    return order != 0 ? order : tail_compare(left, right);
}

int reconcile_by_composite(const void *a, const void *b)
{
    const struct reconcile_line *left = a;
    const struct reconcile_line *right = b;
    int order = uuid_compare(left->ref, right->ref);
    if (order == 0) order = value_compare(left, right);
    return order != 0 ? order : tail_compare(left, right);
}

int reconcile_by_amount(const void *a, const void *b)
{
    const struct reconcile_line *left = a;
    const struct reconcile_line *right = b;
    int order = value_compare(left, right);
    if (order != 0) return order;
    if (left->at.ns != right->at.ns) return left->at.ns < right->at.ns ? -1 : 1;
    return tail_compare(left, right);
}

int reconcile_by_batch(const void *a, const void *b)
{
    const struct reconcile_line *left = a;
    const struct reconcile_line *right = b;
    int order = uuid_compare(left->batch, right->batch);
    if (order == 0) order = order_u64(left->currency, right->currency);
    return order != 0 ? order : tail_compare(left, right);
}

bool reconcile_same_key(const struct reconcile_line *a, const struct reconcile_line *b)
{
    return uuid_equal(a->key, b->key);
}

bool reconcile_same_composite(const struct reconcile_line *a, const struct reconcile_line *b)
{
    return uuid_equal(a->ref, b->ref) && reconcile_same_amount(a, b);
}

bool reconcile_same_amount(const struct reconcile_line *a, const struct reconcile_line *b)
{
    return value_compare(a, b) == 0;
}

bool reconcile_same_batch(const struct reconcile_line *a, const struct reconcile_line *b)
{
    return uuid_equal(a->batch, b->batch) && a->currency == b->currency;
}
