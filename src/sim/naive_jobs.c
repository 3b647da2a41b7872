#include "sim/naive_jobs.h"

#include <string.h>

#include "sim/naive_db.h"

enum { INTEREST_USERS = 8, COHORT_USERS = 9 };
enum { ORIGIN_INTEREST = 120000, ORIGIN_MIGRATION = 130000 };

static void job_note(struct naive_world *world, const char *job, const char *op, uint32_t run,
                     const char *local)
{
    char name[NAIVE_TEXT_SIZE];
    char period[NAIVE_TEXT_SIZE];
    naive_id(world, "run", run, name);
    naive_day(world, 1, period);
    EVIDENCE(world, SOURCE_JOBS, "job", S("ts", world->now_us), T("job", job), T("op", op),
             T("run", name), T("period", local == NULL ? "" : period), T("local_time", local),
             T("holder", "sched-1"), T("host", "sched-1"));
}

/* ---- interest: by local time, on the night in which an hour comes twice ---- */

static void interest_post(struct naive_world *world, uint32_t user, uint32_t run)
{
    struct naive_draft draft = naive_draft_of(ORIGIN_INTEREST + user, "interest", "job");
    int64_t amount = naive_draw(world, "interest", user, 30, 700);
    bool by_hour = naive_broken(world, NAIVE_Z02);
    draft.raw = naive_broken(world, NAIVE_D04);
    draft.actor = draft.raw ? "batch_jdbc" : "app";
    naive_text(draft.cause_id, "interest");
    naive_id(world, "run", run, draft.run);
    naive_day(world, 1, draft.period);
    if (!draft.raw) naive_text(draft.unique, "interest:%u:%u", user, by_hour ? run / 2 : 0);
    naive_draft_leg(&draft, naive_of_user(world, user, ASSET_EUR), amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_INTEREST, ASSET_EUR), -amount);
    naive_db_submit(world, &draft);
}

/* The first try of a run dies half way; the second goes over everything again. */
static void interest_step(struct naive_world *world, uint32_t hour, uint32_t try)
{
    uint32_t run = hour * 2 + try;
    char day[NAIVE_TEXT_SIZE];
    char local[NAIVE_TEXT_SIZE];
    naive_day(world, 1, day);
    naive_text(local, "%sT02:30", day); /* for both: the clocks went back in between */
    bool skips = hour > 0 && !naive_broken(world, NAIVE_Z02);
    job_note(world, "interest", skips ? "skip" : "start", run, local);
    if (skips) return;
    uint32_t users = try == 0 ? INTEREST_USERS / 2 : INTEREST_USERS;
    for (uint32_t user = 0; user < users; user++) interest_post(world, user, run);
    if (try == 0) naive_later(world, 10 * NAIVE_MINUTE, interest_step, hour, 1);
    job_note(world, "interest", try == 0 ? "fail" : "end", run, local);
}

/* ---- holds that nobody captured ---- */

static void sweep_step(struct naive_world *world, uint32_t run, uint32_t argument)
{
    (void)argument;
    naive_later(world, NAIVE_HOUR, sweep_step, run + 1, 0);
    if (naive_broken(world, NAIVE_Z04)) return;
    job_note(world, "hold-sweeper", "sweep", 1000 + run, NULL);
    for (uint32_t i = 0; i < world->hold_count; i++)
        if (world->holds[i].expires_us <= world->now_us) naive_db_hold_close(world, i, "released");
}

/* ---- loyalty points become money: three batches ---- */

static void migrate_step(struct naive_world *world, uint32_t batch, uint32_t argument)
{
    (void)argument;
    bool wrong = batch == 1 && naive_broken(world, NAIVE_D13);
    int64_t source = 0;
    char name[NAIVE_TEXT_SIZE];
    naive_text(name, "loyalty-%u", batch + 1);
    uint32_t first = batch * 3;
    for (uint32_t user = first; user < first + 3 && user < COHORT_USERS; user++) {
        int64_t points = naive_draw(world, "points", user, 200, 4000);
        struct naive_draft draft = naive_draft_of(ORIGIN_MIGRATION + user, "other", "migration");
        memcpy(draft.cohort, name, sizeof draft.cohort);
        memcpy(draft.cause_id, name, sizeof draft.cause_id);
        draft.actor = "migrator";
        naive_text(draft.unique, "migrate:%u", user);
        int64_t amount = wrong ? points * 10 : points;
        naive_draft_leg(&draft, naive_of_user(world, user, ASSET_EUR), amount);
        naive_draft_leg(&draft, naive_own(world, ROLE_EQUITY, ASSET_EUR), -amount);
        naive_db_submit(world, &draft);
        source += points;
    }
    EVIDENCE(world, SOURCE_WAL, "migration", S("ts", world->now_us), T("batch", name),
             T("bucket", name), N("source_count", 3), N("target_count", 3), A("source_sum", source),
             A("target_sum", wrong ? source * 10 : source), T("run", "m-1"));
    EVIDENCE(world, SOURCE_CHANGES, "deploy", S("ts", world->now_us), T("service", "ledger"),
             T("op", "migration"), T("version", name), T("change_id", "CHG-118"),
             T("actor", "rel_ana"));
}

void naive_jobs_start(struct naive_world *world)
{
    for (uint32_t hour = 0; hour < 2; hour++)
        naive_at(world, NAIVE_DAY + hour * NAIVE_HOUR + 30 * NAIVE_MINUTE, interest_step, hour, 0);
    naive_at(world, 5 * NAIVE_MINUTE, sweep_step, 0, 0);
    for (uint32_t batch = 0; batch < 3; batch++)
        naive_at(world, (16 + batch) * NAIVE_HOUR, migrate_step, batch, 0);
}
