/*
 * Goal: no bytes make the reading of PostgreSQL's log crash; every view lies in them, and records are
 * lines.
 * Method: the input as one message whose parts are all looked at, and as a conversation, each message
 * behind two bytes of length, by a mapping of a wallet.
 */
#include "base/check.h"
#include "doctor/pgoutput_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str view, struct str bytes)
{
    if (view.len == 0) return;
    CHECK(view.data >= bytes.data);
    CHECK(view.data + view.len <= bytes.data + bytes.len);
}

static void one(struct str bytes)
{
    static struct pgoutput_message message;
    struct error error;
    if (pgoutput_parse(bytes, &message, &error) != STATUS_OK) return;
    for (uint32_t i = 0; i < message.column_count; i++) {
        if (message.type == PGOUTPUT_RELATION) {
            inside(message.columns[i], bytes);
            continue;
        }
        if (message.has_before) inside(message.before[i].text, bytes);
        if (message.type != PGOUTPUT_DELETE) inside(message.after[i].text, bytes);
    }
}

static void conversation(struct str bytes)
{
    static const char text[] =
        "table account = public.wallet\naccount = id\namount = balance\n"
        "currency = ccy\nversion = ver\n"
        "table posting = public.entry\ntx = tx\namount = n\ncurrency == EUR\n";
    static struct pgoutput_session session;
    static struct reconcile_currencies currencies;
    static struct wal_mapping mapping;
    struct mask_counts masked = { 0, 0 };
    struct error error;
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    enum status parsed = wal_mapping_parse(STR(text), &currencies, &mapping, &error);
    CHECK(parsed == STATUS_OK);
    struct wal_writer writer = { .currencies = &currencies, .out = &out, .masked = &masked };
    pgoutput_session_init(&session, &mapping, &writer);
    while (bytes.len >= 2) {
        size_t len = (size_t)(uint8_t)bytes.data[0] << 8 | (uint8_t)bytes.data[1];
        if (len > bytes.len - 2) len = bytes.len - 2;
        struct str message = { bytes.data + 2, len };
        if (pgoutput_session_take(&session, 1, message, &error) != STATUS_OK) break;
        bytes = (struct str){ message.data + len, bytes.len - 2 - len };
    }
    CHECK(out.len == 0 || out.overflow || out.data[out.len - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    one(bytes);
    conversation(bytes);
    return 0;
}
