/* Ids are computed, not stored: nothing can come to disagree with a table of them. */
#include "payment/chart.h"

#include <string.h>

#include "base/check.h"
#include "crypto/digest.h"

#define CHART_NAME(name, value, text, kind, sentence) [value] = text,
#define CHART_TEXT(name, value, text, kind, sentence) [value] = sentence,
#define CHART_KIND(name, value, text, kind, sentence) [value] = kind,

const char *chart_role_name(unsigned role)
{
    static const char *const names[] = { CHART_ROLE_TABLE(CHART_NAME) };
    return role < CHART_ROLE_END ? names[role] : NULL;
}

const char *chart_role_text(unsigned role)
{
    static const char *const texts[] = { CHART_ROLE_TABLE(CHART_TEXT) };
    return role < CHART_ROLE_END ? texts[role] : NULL;
}

/* What is hashed: fixed layout, so that two different triples are two different inputs. */
struct chart_key {
    char domain[24];
    uint32_t asset;
    uint32_t role;
    char psp[PSP_NAME_SIZE];
};
_Static_assert(sizeof(struct chart_key) == 48, "no padding is hashed");

struct account_id chart_account_id(struct lane_part part, uint32_t asset, enum chart_role role,
                                   const char *psp)
{
    CHECK(role > 0 && role < CHART_ROLE_END);
    struct chart_key key = { .domain = "tpwallet chart v1", .asset = asset, .role = role };
    if (role == CHART_CLEARING) {
        size_t len = strnlen(psp, PSP_NAME_SIZE);
        CHECK(len < PSP_NAME_SIZE);
        memcpy(key.psp, psp, len);
    }
    struct digest digest = digest_of(&key, sizeof key);
    struct uuid id;
    memcpy(&id.hi, digest.bytes, sizeof id.hi);
    memcpy(&id.lo, digest.bytes + sizeof id.hi, sizeof id.lo);
    id.hi = (id.hi & ~UINT64_C(0xF000)) | UINT64_C(0x8000);
    id.lo = (id.lo & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
    return (struct account_id){ lane_own_id(id, part) };
}

bool chart_account_is(struct account_id id, uint32_t asset, enum chart_role role, const char *psp)
{
    return lane_same_id(id.value, chart_account_id(LANE_ALONE, asset, role, psp).value);
}

bool chart_is_wallet(const struct account *account)
{
    return account->kind == ACCOUNT_LIABILITY &&
           !chart_account_is(account->id, account->asset, CHART_SUSPENSE, "");
}

struct account chart_account(struct lane_part part, uint32_t asset, enum chart_role role,
                             const char *psp)
{
    static const uint16_t kinds[] = { CHART_ROLE_TABLE(CHART_KIND) };
    return (struct account){
        .id = chart_account_id(part, asset, role, psp),
        .asset = asset,
        .kind = kinds[role],
    };
}
