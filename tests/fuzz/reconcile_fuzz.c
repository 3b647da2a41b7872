/*
 * Goal: no mapping, contract or row of a statement makes the reading crash, and every line that is
 * accepted stays within the bound of its currency.
 * Method: the input is cut at the first zero byte into a mapping and rows; the rows' fields end at
 * unit separators; the same mapping text is read as contracts too.
 */
#include <stdint.h>
#include <stdlib.h>

#include "doctor/reconcile_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 8, SEPARATOR = 0x1f };

static void rows_read(struct reconcile_source *source, struct str rest)
{
    struct str line;
    while (str_take_line(&rest, &line)) {
        struct str fields[FIELDS];
        uint32_t count = 0;
        while (count < FIELDS) {
            const char *end = line.len == 0 ? NULL : memchr(line.data, SEPARATOR, line.len);
            size_t len = end == NULL ? line.len : (size_t)(end - line.data);
            fields[count++] = (struct str){ line.data, len };
            if (end == NULL) break;
            line = (struct str){ end + 1, line.len - len - 1 };
        }
        struct reconcile_line out;
        const char *fault;
        if (reconcile_row_read(source, fields, count, &out, &fault) != RECONCILE_ROW_LINE) continue;
        const struct reconcile_currency *currency = &source->currencies->list[out.currency];
        int128 amount = out.amount.minor < 0 ? -out.amount.minor : out.amount.minor;
        if (amount > currency->bound.minor || out.at.ns < 0) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reconcile_currencies currencies;
    static struct reconcile_fees fees;
    currencies.count = 0;
    struct error error;
    struct str all = { (const char *)data, size };
    const char *cut = size == 0 ? NULL : memchr(data, 0, size);
    struct str text = { all.data, cut == NULL ? size : (size_t)(cut - all.data) };
    struct reconcile_source source = { .currencies = &currencies, .side = RECONCILE_OURS };
    if (reconcile_fees_parse(text, &currencies, &fees, &error) == STATUS_OK) source.fees = &fees;
    if (reconcile_mapping_parse(text, &currencies, &source.mapping, &error) != STATUS_OK) return 0;
    static const struct str header[] = { { "a", 1 }, { "b", 1 }, { "c", 1 }, { "d", 1 },
                                         { "e", 1 }, { "f", 1 }, { "g", 1 }, { "h", 1 } };
    if (reconcile_mapping_bind(&source.mapping, header, FIELDS, &error) != STATUS_OK) return 0;
    if (cut != NULL) rows_read(&source, (struct str){ cut + 1, size - text.len - 1 });
    return 0;
}
