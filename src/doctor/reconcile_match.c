/* Each phase looks at one group that the order of the lines has brought together. */
#include "doctor/reconcile_match.h"

#include <stdlib.h>

#include "base/check.h"

struct verdict_entry {
    const char *name;
    const char *text;
    enum reconcile_class class;
};

static const struct verdict_entry verdicts[] = {
#define VERDICT_ENTRY(name, text, class, sentence) { (text), (sentence), RECONCILE_##class },
    RECONCILE_VERDICT_TABLE(VERDICT_ENTRY)
#undef VERDICT_ENTRY
};

const char *reconcile_verdict_name(enum reconcile_verdict verdict)
{
    CHECK(verdict < RECONCILE_VERDICT_COUNT);
    return verdicts[verdict].name;
}

const char *reconcile_verdict_text(enum reconcile_verdict verdict)
{
    CHECK(verdict < RECONCILE_VERDICT_COUNT);
    return verdicts[verdict].text;
}

enum reconcile_class reconcile_verdict_class(enum reconcile_verdict verdict)
{
    CHECK(verdict < RECONCILE_VERDICT_COUNT);
    return verdicts[verdict].class;
}

static bool is_free(const struct reconcile_line *line)
{
    return (line->flags & RECONCILE_FLAG_CONSUMED) == 0;
}

/* By time, then as they stand in their source: of two that are alike the first one counts. */
static int by_time(const void *a, const void *b)
{
    const struct reconcile_line *left = *(struct reconcile_line *const *)a;
    const struct reconcile_line *right = *(struct reconcile_line *const *)b;
    if (left->at.ns != right->at.ns) return left->at.ns < right->at.ns ? -1 : 1;
    return left->line < right->line ? -1 : left->line > right->line;
}

static bool has(const struct reconcile_line *line, enum reconcile_flag flag)
{
    return (line->flags & flag) != 0;
}

/* Sums cannot overflow: reconcile_bound() has refused what would. */
static struct signed_amount plus(struct signed_amount a, struct signed_amount b)
{
    struct signed_amount sum = { 0 };
    bool fits = signed_amount_add(a, b, &sum);
    CHECK(fits);
    return sum;
}

static struct signed_amount minus(struct signed_amount a, struct signed_amount b)
{
    struct signed_amount difference = { 0 };
    bool fits = signed_amount_subtract(a, b, &difference);
    CHECK(fits);
    return difference;
}

static bool same(struct signed_amount a, struct signed_amount b)
{
    return signed_amount_compare(a, b) == 0;
}

static struct signed_amount net_of(const struct reconcile_line *line)
{
    return minus(line->amount, line->fee);
}

/* Lines picked so far are one result; those that it explains are used up. */
static void found(struct reconcile_matcher *matcher, enum reconcile_verdict verdict, uint32_t count,
                  struct signed_amount drift)
{
    CHECK(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        struct reconcile_line *line = matcher->picked[i];
        if (verdict == RECONCILE_FEE_DIFFERS) continue;
        CHECK(is_free(line)); /* never two results for one line */
        line->flags |= RECONCILE_FLAG_CONSUMED;
    }
    const struct reconcile_result result = { verdict, matcher->picked, count, drift };
    matcher->found(matcher->context, &result);
}

static void found_one(struct reconcile_matcher *matcher, enum reconcile_verdict verdict,
                      struct reconcile_line *line)
{
    matcher->picked[0] = line;
    struct signed_amount nothing = { 0 };
    struct signed_amount drift =
        line->side == RECONCILE_THEIRS ? line->amount : minus(nothing, line->amount);
    found(matcher, verdict, 1, drift);
}

static void found_pair(struct reconcile_matcher *matcher, enum reconcile_verdict verdict,
                       struct reconcile_line *ours, struct reconcile_line *theirs)
{
    matcher->picked[0] = ours;
    matcher->picked[1] = theirs;
    struct signed_amount expected = verdict == RECONCILE_KEY_NET ? net_of(ours) : ours->amount;
    found(matcher, verdict, 2, minus(theirs->amount, expected));
    bool compared = has(ours, RECONCILE_FLAG_CONTRACT) && has(theirs, RECONCILE_FLAG_FEE_TOLD);
    if (compared && !same(ours->fee, theirs->fee))
        found(matcher, RECONCILE_FEE_DIFFERS, 2, minus(theirs->fee, ours->fee));
}

/* Everything of one side that is free, in order; how many. */
static uint32_t free_of(struct reconcile_line *lines, uint32_t count, enum reconcile_side side,
                        struct reconcile_line **out_lines)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count; i++)
        if (lines[i].side == side && is_free(&lines[i])) out_lines[taken++] = &lines[i];
    return taken;
}

/* The same, the earliest one first. */
static uint32_t free_by_time(struct reconcile_line *lines, uint32_t count, enum reconcile_side side,
                             struct reconcile_line **out_lines)
{
    uint32_t taken = free_of(lines, count, side, out_lines);
    qsort(out_lines, taken, sizeof out_lines[0], by_time);
    return taken;
}

static struct signed_amount sum_of(struct reconcile_line *const *lines, uint32_t count, bool net)
{
    struct signed_amount sum = { 0 };
    for (uint32_t i = 0; i < count; i++) sum = plus(sum, net ? net_of(lines[i]) : lines[i]->amount);
    return sum;
}

static bool any_net(struct reconcile_line *const *lines, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (has(lines[i], RECONCILE_FLAG_NET)) return true;
    return false;
}

/* What is free of both sides becomes one result. */
static void found_all(struct reconcile_matcher *matcher, enum reconcile_verdict verdict,
                      uint32_t ours, uint32_t theirs, struct signed_amount drift)
{
    CHECK(ours + theirs <= RECONCILE_GROUP_MAX);
    for (uint32_t i = 0; i < ours; i++) matcher->picked[i] = matcher->ours[i];
    for (uint32_t i = 0; i < theirs; i++) matcher->picked[ours + i] = matcher->theirs[i];
    found(matcher, verdict, ours + theirs, drift);
}

/* ---- by key ---- */

/* Neighbours with one id on one side are one line that was read twice. */
static void repeated_find(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                          uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct reconcile_line *before = &lines[i - 1];
        bool repeated = !uuid_is_nil(lines[i].id) && uuid_equal(lines[i].id, before->id) &&
                        lines[i].side == before->side && reconcile_same_amount(&lines[i], before);
        if (repeated) found_one(matcher, RECONCILE_REPEATED_LINE, &lines[i]);
    }
}

/* lines: of one currency and amount, ours first. */
static void pairs_find(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                       uint32_t count, enum reconcile_verdict verdict)
{
    uint32_t ours = free_by_time(lines, count, RECONCILE_OURS, matcher->ours);
    uint32_t theirs = free_by_time(lines, count, RECONCILE_THEIRS, matcher->theirs);
    uint32_t next = 0;
    for (uint32_t i = 0; i < theirs && next < ours; i++) {
        if (has(matcher->theirs[i], RECONCILE_FLAG_NET)) continue;
        found_pair(matcher, verdict, matcher->ours[next++], matcher->theirs[i]);
    }
}

/* lines: of one currency. Each of ours beside the first of theirs that is it less its fee. */
static void net_pairs_find(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                           uint32_t count)
{
    enum { TRIED_MAX = 256 }; /* a key with more lines than that is compared by its sums */
    uint32_t ours = free_by_time(lines, count, RECONCILE_OURS, matcher->ours);
    uint32_t theirs = free_by_time(lines, count, RECONCILE_THEIRS, matcher->theirs);
    if (ours > TRIED_MAX || theirs > TRIED_MAX) return;
    for (uint32_t i = 0; i < ours; i++) {
        for (uint32_t k = 0; k < theirs; k++) {
            struct reconcile_line *line = matcher->theirs[k];
            if (!is_free(line) || !has(line, RECONCILE_FLAG_NET)) continue;
            if (!same(line->amount, net_of(matcher->ours[i]))) continue;
            found_pair(matcher, RECONCILE_KEY_NET, matcher->ours[i], line);
            break;
        }
    }
}

/* lines: of one currency and amount. One more than were matched is a duplicate. */
static void duplicates_find(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                            uint32_t count)
{
    bool matched[2] = { false, false };
    for (uint32_t i = 0; i < count; i++)
        if (!is_free(&lines[i])) matched[lines[i].side] = true;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_free(&lines[i]) || !matched[lines[i].side]) continue;
        bool ours = lines[i].side == RECONCILE_OURS;
        found_one(matcher, ours ? RECONCILE_DUPLICATE_OURS : RECONCILE_DUPLICATE_THEIRS, &lines[i]);
    }
}

/* lines: of one currency, both sides left: the sums decide. */
static void sums_compare(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                         uint32_t count)
{
    uint32_t ours = free_of(lines, count, RECONCILE_OURS, matcher->ours);
    uint32_t theirs = free_of(lines, count, RECONCILE_THEIRS, matcher->theirs);
    if (ours == 0 || theirs == 0) return;
    bool net = any_net(matcher->theirs, theirs);
    struct signed_amount got = sum_of(matcher->theirs, theirs, false);
    struct signed_amount drift = minus(got, sum_of(matcher->ours, ours, net));
    enum reconcile_verdict verdict = net ? RECONCILE_KEY_NET : RECONCILE_KEY_SPLIT;
    if (drift.minor != 0) verdict = RECONCILE_AMOUNT_DIFFERS;
    found_all(matcher, verdict, ours, theirs, drift);
}

/* Where the run of lines that are `together` with the first one ends. */
static uint32_t run_end(const struct reconcile_line *lines, uint32_t from, uint32_t count,
                        bool currency_only)
{
    uint32_t end = from + 1;
    while (end < count && lines[end].currency == lines[from].currency &&
           (currency_only || reconcile_same_amount(&lines[end], &lines[from])))
        end++;
    return end;
}

void reconcile_key_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                         uint32_t count)
{
    CHECK(count <= RECONCILE_GROUP_MAX);
    repeated_find(matcher, lines, count);
    for (uint32_t i = 0, end; i < count; i = end) {
        end = run_end(lines, i, count, false);
        pairs_find(matcher, lines + i, end - i, RECONCILE_KEY);
    }
    for (uint32_t i = 0, end; i < count; i = end) {
        end = run_end(lines, i, count, true);
        net_pairs_find(matcher, lines + i, end - i);
        for (uint32_t k = i, stop; k < end; k = stop) {
            stop = run_end(lines, k, end, false);
            duplicates_find(matcher, lines + k, stop - k);
        }
        sums_compare(matcher, lines + i, end - i);
    }
    uint32_t ours = free_of(lines, count, RECONCILE_OURS, matcher->ours);
    uint32_t theirs = free_of(lines, count, RECONCILE_THEIRS, matcher->theirs);
    /* What is left of both sides is in different currencies: sums_compare() took the others. */
    struct signed_amount nothing = { 0 };
    if (ours > 0 && theirs > 0)
        found_all(matcher, RECONCILE_CURRENCY_DIFFERS, ours, theirs, nothing);
}

void reconcile_overused(struct reconcile_matcher *matcher, struct reconcile_line *line)
{
    found_one(matcher, RECONCILE_KEY_OVERUSED, line);
}

/* ---- by reference, by amount ---- */

void reconcile_composite_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                               uint32_t count)
{
    CHECK(count <= RECONCILE_GROUP_MAX);
    pairs_find(matcher, lines, count, RECONCILE_COMPOSITE);
}

/* How many of `others` (by time) are within the window of `at`; *first moves on. */
static uint32_t within(const struct reconcile_matcher *matcher, const struct reconcile_line *line,
                       struct reconcile_line *const *others, uint32_t count, uint32_t *first)
{
    while (*first < count && others[*first]->at.ns < line->at.ns - matcher->window_ns) *first += 1;
    uint32_t seen = 0;
    while (seen < 2 && *first + seen < count &&
           others[*first + seen]->at.ns <= line->at.ns + matcher->window_ns)
        seen++;
    return seen;
}

/* Both sides have a name for it, and the names are not the same. */
static bool keys_contradict(const struct reconcile_line *ours, const struct reconcile_line *theirs)
{
    if (has(ours, RECONCILE_FLAG_OWN_KEY) || has(theirs, RECONCILE_FLAG_OWN_KEY)) return false;
    return !uuid_is_nil(ours->key) && !uuid_is_nil(theirs->key) &&
           !uuid_equal(ours->key, theirs->key);
}

void reconcile_amount_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                            uint32_t count)
{
    CHECK(count <= RECONCILE_GROUP_MAX);
    if (matcher->window_ns == 0) return;
    uint32_t ours = free_of(lines, count, RECONCILE_OURS, matcher->ours);
    uint32_t theirs = free_of(lines, count, RECONCILE_THEIRS, matcher->theirs);
    uint32_t first = 0;
    uint32_t back = 0;
    for (uint32_t i = 0; i < ours; i++) {
        struct reconcile_line *line = matcher->ours[i];
        if (within(matcher, line, matcher->theirs, theirs, &first) != 1) continue;
        struct reconcile_line *other = matcher->theirs[first];
        if (within(matcher, other, matcher->ours, ours, &back) != 1) continue;
        if (keys_contradict(line, other)) continue;
        found_pair(matcher, RECONCILE_AMOUNT_WINDOW, line, other);
    }
}

/* ---- by batch ---- */

/* Subsets of `from` that come to `wanted`: 0, 1, or 2 for several; *out_set is one of them. */
static uint32_t subsets_find(struct reconcile_line *const *from, uint32_t count, bool net,
                             struct signed_amount wanted, uint32_t *out_set)
{
    CHECK(count <= RECONCILE_SUBSET_MAX);
    uint32_t seen = 0;
    for (uint32_t set = 1; set < 1U << count && seen < 2; set++) {
        struct signed_amount sum = { 0 };
        for (uint32_t i = 0; i < count; i++)
            if ((set >> i & 1) != 0) sum = plus(sum, net ? net_of(from[i]) : from[i]->amount);
        if (!same(sum, wanted)) continue;
        *out_set = set;
        seen++;
    }
    return seen;
}

/* One line of `one`, the set of `many`; ours come first in a result. */
static void subset_found(struct reconcile_matcher *matcher, struct reconcile_line *one,
                         struct reconcile_line *const *many, uint32_t count, uint32_t set)
{
    uint32_t picked = 0;
    if (one->side == RECONCILE_OURS) matcher->picked[picked++] = one;
    for (uint32_t i = 0; i < count; i++)
        if ((set >> i & 1) != 0) matcher->picked[picked++] = many[i];
    if (one->side == RECONCILE_THEIRS) matcher->picked[picked++] = one;
    struct signed_amount nothing = { 0 };
    found(matcher, RECONCILE_BATCH_SUBSET, picked, nothing);
}

/* Each line of `side` beside the one subset of the other side; false: some had several. */
static bool side_subsets_find(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                              uint32_t count, enum reconcile_side side)
{
    enum reconcile_side other = side == RECONCILE_OURS ? RECONCILE_THEIRS : RECONCILE_OURS;
    bool clear = true;
    for (uint32_t i = 0; i < count; i++) {
        struct reconcile_line *line = &lines[i];
        if (line->side != side || !is_free(line)) continue;
        uint32_t many = free_of(lines, count, other, matcher->theirs);
        if (many == 0 || many > RECONCILE_SUBSET_MAX) return clear;
        bool net = has(line, RECONCILE_FLAG_NET);
        bool against_net = any_net(matcher->theirs, many);
        struct signed_amount wanted = against_net ? net_of(line) : line->amount;
        uint32_t set = 0;
        uint32_t seen = subsets_find(matcher->theirs, many, net, wanted, &set);
        if (seen == 1) subset_found(matcher, line, matcher->theirs, many, set);
        if (seen > 1) clear = false;
    }
    return clear;
}

/* The whole batch on both sides, before fees or after them. */
static bool whole_batch_find(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                             uint32_t count)
{
    uint32_t ours = free_of(lines, count, RECONCILE_OURS, matcher->ours);
    uint32_t theirs = free_of(lines, count, RECONCILE_THEIRS, matcher->theirs);
    if (ours == 0 || theirs == 0) return true;
    bool net = any_net(matcher->theirs, theirs);
    struct signed_amount got = sum_of(matcher->theirs, theirs, false);
    if (!same(got, sum_of(matcher->ours, ours, net))) return false;
    struct signed_amount nothing = { 0 };
    found_all(matcher, RECONCILE_BATCH_NET, ours, theirs, nothing);
    return true;
}

void reconcile_batch_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                           uint32_t count)
{
    CHECK(count <= RECONCILE_GROUP_MAX);
    if (whole_batch_find(matcher, lines, count)) return;
    bool clear = side_subsets_find(matcher, lines, count, RECONCILE_THEIRS);
    if (clear) clear = side_subsets_find(matcher, lines, count, RECONCILE_OURS);
    uint32_t ours = free_of(lines, count, RECONCILE_OURS, matcher->ours);
    uint32_t theirs = free_of(lines, count, RECONCILE_THEIRS, matcher->theirs);
    if (ours == 0 || theirs == 0) return;
    bool net = any_net(matcher->theirs, theirs);
    struct signed_amount drift =
        minus(sum_of(matcher->theirs, theirs, false), sum_of(matcher->ours, ours, net));
    found_all(matcher, clear ? RECONCILE_BATCH_DIFFERS : RECONCILE_BATCH_AMBIGUOUS, ours, theirs,
              drift);
}

/* ---- what stands alone ---- */

struct business_date reconcile_due(struct business_date from, uint32_t days)
{
    CHECK(days <= RECONCILE_DUE_DAYS_MAX);
    int32_t day = from.days;
    while (days > 0) {
        day++;
        int32_t weekday = (day + 3) % 7; /* 1970-01-01 was a Thursday; 0 is Monday */
        if (weekday < 5) days--;
    }
    return (struct business_date){ day };
}

/* Whether theirs, as far as it is known to go, does not go up to this line. */
static bool is_beyond(const struct reconcile_matcher *matcher, const struct reconcile_line *line)
{
    const struct reconcile_line *newest = &matcher->newest;
    if (!matcher->newest_ends || line->side != RECONCILE_OURS) return false;
    if (has(line, RECONCILE_FLAG_DAY_ONLY) || has(newest, RECONCILE_FLAG_DAY_ONLY))
        return business_date_of(line->at).days > business_date_of(newest->at).days;
    return line->at.ns > newest->at.ns;
}

void reconcile_rest(struct reconcile_matcher *matcher, struct reconcile_line *line)
{
    struct business_date day = business_date_of(line->at);
    enum reconcile_verdict verdict = RECONCILE_MISSING_IN_LEDGER;
    if (is_beyond(matcher, line))
        verdict = RECONCILE_NOT_COVERED;
    else if (day.days > matcher->as_of.days)
        verdict = RECONCILE_AFTER_AS_OF;
    else if (line->side == RECONCILE_OURS)
        verdict = RECONCILE_MISSING_IN_STATEMENT;
    bool waits = verdict == RECONCILE_MISSING_IN_STATEMENT && matcher->due_days > 0 &&
                 reconcile_due(day, matcher->due_days).days >= matcher->as_of.days;
    if (waits) verdict = RECONCILE_IN_TRANSIT;
    found_one(matcher, verdict, line);
}
