#include "cmd/journal_trust.h"

#include "wallet/journal_walk.h"

bool journal_head_contradicts(struct store_point known, struct store_point head)
{
    bool shorter = head.batch < known.batch;
    bool other = head.batch == known.batch && !digest_equal(&head.hash, &known.hash);
    return shorter || other;
}

enum journal_answer journal_ask(struct store *store, struct store_point known,
                                struct store_head *out_head, struct error *out_error)
{
    enum status status = store->head(store, out_head, out_error);
    if (status == STATUS_OK) status = journal_verify(store, out_head, known, out_error);
    if (status == STATUS_OK) return JOURNAL_HAS;
    bool gone = status == STATUS_CORRUPT || status == STATUS_NOT_FOUND;
    return gone ? JOURNAL_HAS_NOT : JOURNAL_SAYS_NOTHING;
}
