#include "cmd/watch_incident.h"

#include <stdio.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "cmd/doctor_collectors.h"

static enum status fill(struct doctor_bundle *bundle, const struct watch_incident *incident)
{
    const struct doctor_scope_words all = { 0 };
    enum status status = doctor_bundle_note(bundle, incident->alert);
    if (status == STATUS_OK) status = doctor_collect_ours(bundle, incident->data, &all);
    if (status == STATUS_OK) status = doctor_bundle_note(bundle, "collected our ledger");
    return status == STATUS_OK ? doctor_bundle_seal(bundle) : status;
}

enum status watch_incident_open(const struct watch_incident *incident, struct error *out_error)
{
    struct wall_time now = clock_wall(system_clock());
    char id[64];
    int len = snprintf(id, sizeof id, "WATCH-%lld", (long long)(now.ns / NS_PER_S));
    CHECK(len > 0 && (size_t)len < sizeof id);
    BUF_SCOPE struct buf memory;
    buf_init(&memory, sizeof(struct incident) + sizeof(struct doctor_bundle));
    uint8_t *room = buf_extend(&memory, sizeof(struct incident) + sizeof(struct doctor_bundle));
    if (room == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for an incident");
    struct incident *made = memset(room, 0, sizeof(struct incident) + sizeof(struct doctor_bundle));
    struct doctor_bundle *bundle = (struct doctor_bundle *)(void *)(made + 1);
    made->id = str_from(id);
    made->title = str_from(incident->alert);
    made->opened_at = now;
    made->from.ns = NS_PER_S;
    made->to = now;
    enum status status = doctor_bundle_open(incident->bundle, incident->key, made, bundle);
    if (status == STATUS_OK) status = fill(bundle, incident);
    if (status != STATUS_OK) *out_error = bundle->error;
    doctor_bundle_close(bundle);
    return status;
}
