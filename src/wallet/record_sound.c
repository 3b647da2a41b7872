#include "wallet/record_sound.h"

#include <string.h>

#include "ledger/registry.h"

static const char *asset_fault(const struct record_asset *record)
{
    if (record->head.outcome != 0) return NULL;
    bool numbered =
        record->id >= ASSET_CUSTOM_FIRST && record->id - ASSET_CUSTOM_FIRST < ASSETS_CUSTOM_MAX;
    return numbered && registry_asset_is_valid(record) ? NULL : "an asset that cannot be";
}

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static const char *texts_fault(const struct payment *payment)
{
    bool good = ends(payment->psp, sizeof payment->psp) &&
                ends(payment->method, sizeof payment->method) &&
                ends(payment->psp_object, sizeof payment->psp_object) &&
                ends(payment->reason, sizeof payment->reason);
    return good ? NULL : "a payment with a text that does not end";
}

const char *record_sound_fault(const struct record_head *record)
{
    if (record->type == RECORD_ASSET) return asset_fault((const void *)record);
    if (record->type == RECORD_PAYMENT)
        return texts_fault(&((const struct record_payment *)record)->payment);
    return NULL;
}
