/* Linear tables: looked up per asset code or API key, both bounded and both cached above. */
#include "ledger/registry.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"

struct registry_image {
    uint32_t asset_count;
    uint32_t credential_count;
    struct business_date closed_through;
    uint16_t rate_count;
    uint16_t raise_count;
};
_Static_assert(sizeof(struct registry_image) == 16, "stored as it is");
_Static_assert(RATES_MAX <= UINT16_MAX && RAISES_MAX <= UINT16_MAX, "counts fit");

static const size_t ASSETS_SIZE = ASSETS_CUSTOM_MAX * sizeof(struct asset);
static const size_t CREDENTIALS_SIZE = CREDENTIALS_MAX * sizeof(struct credential);
static const size_t RATES_SIZE = RATES_MAX * sizeof(struct rate);

enum status registry_init(struct registry *registry)
{
    *registry = (struct registry){ 0 };
    registry->assets = reserve_new(ASSETS_SIZE);
    registry->credentials = reserve_new(CREDENTIALS_SIZE);
    registry->rates = reserve_new(RATES_SIZE);
    bool whole =
        registry->assets != NULL && registry->credentials != NULL && registry->rates != NULL;
    if (whole) return STATUS_OK;
    registry_free(registry);
    return STATUS_LIMIT;
}

void registry_free(struct registry *registry)
{
    reserve_free(registry->assets, ASSETS_SIZE);
    reserve_free(registry->credentials, CREDENTIALS_SIZE);
    reserve_free(registry->rates, RATES_SIZE);
    *registry = (struct registry){ 0 };
}

void registry_reset(struct registry *registry)
{
    registry->asset_count = 0;
    registry->credential_count = 0;
    registry->rate_count = 0;
    registry->raise_count = 0;
    registry->closed_through = (struct business_date){ 0 };
}

const struct asset *registry_asset_by_code(const struct registry *registry, struct str code)
{
    const struct asset *iso = asset_iso_by_code(code);
    if (iso != NULL) return iso;
    for (uint32_t i = 0; i < registry->asset_count; i++) {
        if (str_equal(str_from(registry->assets[i].code), code)) return &registry->assets[i];
    }
    return NULL;
}

const struct asset *registry_asset_by_id(const struct registry *registry, uint32_t id)
{
    if (id < ASSET_CUSTOM_FIRST) return asset_iso_by_id(id);
    uint32_t index = id - ASSET_CUSTOM_FIRST;
    return index < registry->asset_count ? &registry->assets[index] : NULL;
}

const struct credential *registry_credential_by_digest(const struct registry *registry,
                                                       const struct digest *secret_digest)
{
    for (uint32_t i = 0; i < registry->credential_count; i++) {
        const struct credential *credential = &registry->credentials[i];
        if (credential->revoked) continue;
        if (digest_equal(&credential->secret_digest, secret_digest)) return credential;
    }
    return NULL;
}

const struct credential *registry_credential_by_id(const struct registry *registry,
                                                   struct principal_id id)
{
    for (uint32_t i = 0; i < registry->credential_count; i++) {
        if (uuid_equal(registry->credentials[i].id.value, id.value)) {
            return &registry->credentials[i];
        }
    }
    return NULL;
}

static struct rate *rate_find(const struct registry *registry, uint32_t asset,
                              uint32_t counter_asset)
{
    for (uint32_t i = 0; i < registry->rate_count; i++) {
        struct rate *rate = &registry->rates[i];
        if (rate->asset == asset && rate->counter_asset == counter_asset) return rate;
    }
    return NULL;
}

const struct rate *registry_rate(const struct registry *registry, uint32_t asset,
                                 uint32_t counter_asset)
{
    const struct rate *rate = rate_find(registry, asset, counter_asset);
    return rate == NULL || rate->numerator == 0 ? NULL : rate;
}

static bool terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool asset_valid(const struct asset *asset)
{
    return asset->exponent <= ASSET_EXPONENT_MAX && terminated(asset->code, sizeof asset->code) &&
           asset_custom_code_valid(str_from(asset->code));
}

/* Entries are stored as they lie in memory: their padding is zeroed too. */
static void asset_write(const struct record_asset *record, struct asset *out_asset)
{
    memset(out_asset, 0, sizeof *out_asset);
    out_asset->id = record->id;
    out_asset->exponent = record->exponent;
    memcpy(out_asset->code, record->code, sizeof out_asset->code);
}

bool registry_asset_is_valid(const struct record_asset *record)
{
    struct asset asset;
    asset_write(record, &asset);
    return asset_valid(&asset);
}

static bool asset_fits(const struct registry *registry, const struct record_asset *record)
{
    struct asset asset;
    asset_write(record, &asset);
    return registry->asset_count < ASSETS_CUSTOM_MAX &&
           asset.id == ASSET_CUSTOM_FIRST + registry->asset_count && asset_valid(&asset) &&
           registry_asset_by_code(registry, str_from(asset.code)) == NULL;
}

static bool credential_fits(const struct registry *registry, const struct record_credential *record)
{
    if (!terminated(record->name, sizeof record->name)) return false;
    bool known = registry_credential_by_id(registry, record->id) != NULL;
    bool revokes = record->revoked != 0;
    return known == revokes && (known || registry->credential_count < CREDENTIALS_MAX);
}

static bool rate_fits(const struct registry *registry, const struct record_rate *record)
{
    bool known = rate_find(registry, record->asset, record->counter_asset) != NULL;
    return (known || registry->rate_count < RATES_MAX) && record->denominator > 0;
}

static bool raise_is_over(const struct raise *raise, struct wall_time at)
{
    return raise->until.ns <= at.ns;
}

bool registry_raised(const struct registry *registry, struct uuid id, struct wall_time at)
{
    for (uint32_t i = 0; i < registry->raise_count; i++) {
        const struct raise *raise = &registry->raises[i];
        if (uuid_equal(raise->id, id)) return !raise_is_over(raise, at);
    }
    return false;
}

bool registry_raise_has_room(const struct registry *registry, struct uuid id, struct wall_time at)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < registry->raise_count; i++) {
        const struct raise *raise = &registry->raises[i];
        others += !raise_is_over(raise, at) && !uuid_equal(raise->id, id);
    }
    return others < RAISES_MAX;
}

static bool raise_fits(const struct registry *registry, const struct raise *raise,
                       struct wall_time stamp)
{
    if (raise->traces == 0) return registry_raised(registry, raise->id, stamp);
    return raise_is_sound(raise) && !raise_is_over(raise, stamp) &&
           registry_raise_has_room(registry, raise->id, stamp);
}

bool registry_keeps(const struct record_head *record)
{
    return record->type == RECORD_ASSET || record->type == RECORD_PERIOD ||
           record->type == RECORD_CREDENTIAL || record->type == RECORD_RATE ||
           record->type == RECORD_RAISE;
}

bool registry_record_fits(const struct registry *registry, const struct record_head *record,
                          struct wall_time stamp)
{
    if (record->type == RECORD_ASSET) {
        return asset_fits(registry, (const struct record_asset *)record);
    }
    if (record->type == RECORD_CREDENTIAL) {
        return credential_fits(registry, (const struct record_credential *)record);
    }
    if (record->type == RECORD_RATE) {
        return rate_fits(registry, (const struct record_rate *)record);
    }
    if (record->type == RECORD_RAISE) {
        return raise_fits(registry, &((const struct record_raise *)record)->raise, stamp);
    }
    const struct record_period *period = (const struct record_period *)record;
    return record->type == RECORD_PERIOD &&
           period->closed_through.days > registry->closed_through.days;
}

static void apply_asset(struct registry *registry, const struct record_asset *record)
{
    asset_write(record, &registry->assets[registry->asset_count++]);
}

static void apply_credential(struct registry *registry, const struct record_credential *record,
                             struct wall_time stamp)
{
    for (uint32_t i = 0; i < registry->credential_count; i++) {
        struct credential *known = &registry->credentials[i];
        if (!uuid_equal(known->id.value, record->id.value)) continue;
        known->revoked = record->revoked != 0;
        return;
    }
    struct credential *made = &registry->credentials[registry->credential_count++];
    memset(made, 0, sizeof *made);
    made->id = record->id;
    made->secret_digest = record->secret_digest;
    made->scopes = record->scopes;
    made->revoked = record->revoked != 0;
    made->created_at = stamp;
    memcpy(made->name, record->name, sizeof made->name);
}

static void apply_rate(struct registry *registry, const struct record_rate *record)
{
    struct rate *rate = rate_find(registry, record->asset, record->counter_asset);
    if (rate == NULL) rate = &registry->rates[registry->rate_count++];
    *rate = (struct rate){
        .asset = record->asset,
        .counter_asset = record->counter_asset,
        .numerator = record->numerator,
        .denominator = record->denominator,
    };
}

/* The stamp, and not the clock of whoever reads it, says which have ended: all tables are alike. */
static void apply_raise(struct registry *registry, const struct raise *raise,
                        struct wall_time stamp)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < registry->raise_count; i++) {
        const struct raise *known = &registry->raises[i];
        if (raise_is_over(known, stamp) || uuid_equal(known->id, raise->id)) continue;
        registry->raises[kept++] = *known;
    }
    if (raise->traces != 0) registry->raises[kept++] = *raise;
    registry->raise_count = kept;
}

void registry_apply(struct registry *registry, const struct record_head *record,
                    struct wall_time stamp)
{
    CHECK(record->outcome == ADMIN_OUTCOME_OK);
    CHECK(registry_record_fits(registry, record, stamp));
    switch ((enum record_type)record->type) {
    case RECORD_ASSET: apply_asset(registry, (const struct record_asset *)record); break;
    case RECORD_PERIOD:
        registry->closed_through = ((const struct record_period *)record)->closed_through;
        break;
    case RECORD_CREDENTIAL:
        apply_credential(registry, (const struct record_credential *)record, stamp);
        break;
    case RECORD_RATE: apply_rate(registry, (const struct record_rate *)record); break;
    case RECORD_RAISE:
        apply_raise(registry, &((const struct record_raise *)record)->raise, stamp);
        break;
    case RECORD_CONTEXT:
    case RECORD_ACCOUNT:
    case RECORD_TRANSFER:
    case RECORD_ACCOUNT_CHANGE:
    case RECORD_NOTICE:
    case RECORD_PAYMENT: CHECK(false); break;
    }
}

void registry_save(const struct registry *registry, struct buf *out_bytes)
{
    struct registry_image image = {
        .asset_count = registry->asset_count,
        .credential_count = registry->credential_count,
        .closed_through = registry->closed_through,
        .rate_count = (uint16_t)registry->rate_count,
        .raise_count = (uint16_t)registry->raise_count,
    };
    buf_append(out_bytes, &image, sizeof image);
    buf_append(out_bytes, registry->assets, registry->asset_count * sizeof(struct asset));
    buf_append(out_bytes, registry->credentials,
               registry->credential_count * sizeof(struct credential));
    buf_append(out_bytes, registry->rates, registry->rate_count * sizeof(struct rate));
    buf_append(out_bytes, registry->raises, registry->raise_count * sizeof(struct raise));
}

static enum status registry_check(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->asset_count; i++) {
        if (registry->assets[i].id != ASSET_CUSTOM_FIRST + i) return STATUS_CORRUPT;
        if (!asset_valid(&registry->assets[i])) return STATUS_CORRUPT;
    }
    for (uint32_t i = 0; i < registry->credential_count; i++) {
        const struct credential *credential = &registry->credentials[i];
        if (!terminated(credential->name, sizeof credential->name)) return STATUS_CORRUPT;
        uint8_t revoked; /* not read as a bool before it is known to be one */
        memcpy(&revoked, &credential->revoked, sizeof revoked);
        if (revoked > 1) return STATUS_CORRUPT;
    }
    for (uint32_t i = 0; i < registry->raise_count; i++) {
        if (!raise_is_sound(&registry->raises[i])) return STATUS_CORRUPT;
    }
    return STATUS_OK;
}

enum status registry_load(struct registry *registry, struct str bytes)
{
    struct registry_image image;
    if (bytes.len < sizeof image) return STATUS_CORRUPT;
    memcpy(&image, bytes.data, sizeof image);
    if (image.asset_count > ASSETS_CUSTOM_MAX) return STATUS_CORRUPT;
    if (image.credential_count > CREDENTIALS_MAX) return STATUS_CORRUPT;
    size_t assets_size = image.asset_count * sizeof(struct asset);
    size_t credentials_size = image.credential_count * sizeof(struct credential);
    if (image.rate_count > RATES_MAX) return STATUS_CORRUPT;
    size_t rates_size = image.rate_count * sizeof(struct rate);
    if (image.raise_count > RAISES_MAX) return STATUS_CORRUPT;
    size_t raises_size = image.raise_count * sizeof(struct raise);
    size_t rates_at = sizeof image + assets_size + credentials_size;
    if (bytes.len != rates_at + rates_size + raises_size) return STATUS_CORRUPT;
    registry->asset_count = image.asset_count;
    registry->credential_count = image.credential_count;
    registry->closed_through = image.closed_through;
    memcpy(registry->assets, bytes.data + sizeof image, assets_size);
    memcpy(registry->credentials, bytes.data + sizeof image + assets_size, credentials_size);
    registry->rate_count = image.rate_count;
    memcpy(registry->rates, bytes.data + rates_at, rates_size);
    registry->raise_count = image.raise_count;
    memcpy(registry->raises, bytes.data + rates_at + rates_size, raises_size);
    return registry_check(registry);
}
