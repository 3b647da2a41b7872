#include "sim/exam_score.h"

#include <string.h>

#include "base/check.h"
#include "base/hex.h"

/* ---- what was named ---- */

static uint32_t class_of(const struct rule *rule)
{
    enum naive_fault fault;
    return naive_fault_parse(rule->id, &fault) ? (uint32_t)fault : EXAM_NOTHING;
}

static const struct rule *rule_of(const struct diagnosis *diagnosis, const struct instance *cause)
{
    return &diagnosis->rules->rules[cause->rule];
}

static bool is_true(const struct naive_truth *truth, uint32_t fault)
{
    for (uint32_t i = 0; i < truth->fault_count; i++)
        if ((uint32_t)truth->faults[i] == fault) return true;
    return false;
}

/* Before the place of the first that is less certain; one entry per class. */
static void found_add(struct exam_verdict *verdict, uint32_t fault, enum label label)
{
    for (uint32_t i = 0; i < verdict->found_count; i++) {
        if (verdict->found[i] != fault) continue;
        if (label < verdict->labels[i]) verdict->labels[i] = label;
        return;
    }
    if (verdict->found_count == EXAM_FOUND_MAX) return;
    uint32_t at = verdict->found_count++;
    for (; at > 0 && verdict->labels[at - 1] > label; at--) {
        verdict->found[at] = verdict->found[at - 1];
        verdict->labels[at] = verdict->labels[at - 1];
    }
    verdict->found[at] = fault;
    verdict->labels[at] = label;
}

static void causes_read(const struct diagnosis *diagnosis, struct exam_verdict *verdict)
{
    verdict->certain = true;
    verdict->abstained = true;
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *cause = &diagnosis->instances[diagnosis->causes[i]];
        const struct rule *rule = rule_of(diagnosis, cause);
        if (rule->benign) continue;
        found_add(verdict, class_of(rule), cause->label);
        if (cause->label != LABEL_CONFIRMED) verdict->certain = false;
        if (cause->label <= LABEL_POSSIBLE) verdict->abstained = false;
    }
    if (verdict->found_count == 0) verdict->certain = false;
    verdict->alarm = verdict->found_count > 0 || diagnosis->unexplained_count > 0;
}

/* ---- accounts ---- */

struct ledger_line {
    struct str account;
    struct str asset;
    int128 truth;  /* too much in the postings */
    int128 found;  /* as the doctor has it */
    int128 repair; /* what the doctor would post */
    int128 due;    /* what is to be posted */
};

struct ledger_lines {
    uint32_t count;
    struct ledger_line lines[512];
};

static struct ledger_line *line_of(struct ledger_lines *lines, struct str account, struct str asset)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        struct ledger_line *line = &lines->lines[i];
        if (str_equal(line->account, account) && str_equal(line->asset, asset)) return line;
    }
    if (lines->count == 512) return NULL;
    lines->lines[lines->count] = (struct ledger_line){ .account = account, .asset = asset };
    return &lines->lines[lines->count++];
}

static void truth_lines(const struct naive_truth *truth, struct ledger_lines *lines)
{
    for (uint32_t i = 0; i < truth->drift_count; i++) {
        const struct naive_drift *drift = &truth->drifts[i];
        struct ledger_line *line = line_of(lines, str_from(drift->account), str_from(drift->asset));
        CHECK(line != NULL);
        line->truth += drift->delta;
        if (drift->to_post) line->due -= drift->delta;
    }
}

static void found_lines(const struct diagnosis *diagnosis, struct ledger_lines *lines)
{
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *cause = &diagnosis->instances[diagnosis->causes[i]];
        const struct rule *rule = rule_of(diagnosis, cause);
        /* Nothing is planned by itself on what may be otherwise. */
        bool posts = rule->ledger_entry && cause->label <= LABEL_PROBABLE;
        for (uint32_t j = 0; j < cause->affected_count; j++) {
            const struct affected *affected = &cause->affected[j];
            if (affected->account.len == 0) continue;
            struct ledger_line *line = line_of(lines, affected->account, affected->ccy);
            if (line == NULL) return;
            line->found += affected->delta.minor;
            if (posts && !affected->left) line->repair -= affected->delta.minor;
        }
    }
}

static int128 magnitude(int128 value)
{
    return value < 0 ? -value : value;
}

static void accounts_compare(const struct ledger_lines *lines, struct exam_verdict *verdict)
{
    verdict->affected_exact = true;
    verdict->money_exact = true;
    for (uint32_t i = 0; i < lines->count; i++) {
        const struct ledger_line *line = &lines->lines[i];
        if (line->truth != line->found) verdict->affected_exact = false;
        if (line->due != line->repair) verdict->money_exact = false;
        if (magnitude(line->due - line->repair) > magnitude(line->due)) verdict->harmful = true;
        verdict->affected_true += line->truth != 0 ? 1 : 0;
        verdict->affected_found += line->found != 0 ? 1 : 0;
        verdict->affected_right += line->found != 0 && line->found == line->truth ? 1 : 0;
    }
}

void exam_differences(const struct diagnosis *diagnosis, const struct naive_truth *truth,
                      struct buf *out_text)
{
    struct ledger_lines lines = { 0 };
    truth_lines(truth, &lines);
    found_lines(diagnosis, &lines);
    for (uint32_t i = 0; i < lines.count; i++) {
        const struct ledger_line *line = &lines.lines[i];
        if (line->truth == line->found && line->due == line->repair) continue;
        buf_append_format(out_text, "\n    %.*s %.*s has %lld too much, found %lld;",
                          STR_ARG(line->account), STR_ARG(line->asset), (long long)line->truth,
                          (long long)line->found);
        buf_append_format(out_text, " to post %lld, posts %lld", (long long)line->due,
                          (long long)line->repair);
    }
}

/* ---- baselines ---- */

static void baselines_read(const struct diagnosis *diagnosis, const struct naive_truth *truth,
                           struct exam_tally *tally, struct exam_verdict *verdict)
{
    bool features[RULES_MAX] = { false };
    uint32_t count = diagnosis->rules->rule_count;
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++)
        if (diagnosis->invariants[i].violations > 0) features[diagnosis->invariants[i].rule] = true;
    for (uint32_t i = 0; i < diagnosis->instance_count; i++)
        features[diagnosis->instances[i].rule] = true;
    verdict->first_match = EXAM_NOTHING;
    for (uint32_t i = 0; i < count && verdict->first_match == EXAM_NOTHING; i++) {
        const struct rule *rule = &diagnosis->rules->rules[i];
        if (rule->type == RULE_FAULT && features[i] && !rule->benign)
            verdict->first_match = class_of(rule);
    }
    verdict->bayes = exam_bayes_guess(&tally->taught, features, count);
    if (truth->fault_count == 1)
        exam_bayes_teach(&tally->taught, truth->faults[0], features, count);
}

/* ---- sums ---- */

static void verdict_judge(const struct naive_truth *truth, bool open, struct exam_verdict *verdict)
{
    uint32_t right = 0;
    for (uint32_t i = 0; i < verdict->found_count; i++) {
        bool good = is_true(truth, verdict->found[i]);
        if (good) right++;
        if (good && i == 0) verdict->top1 = true;
        if (good && i < 3) verdict->in_three = true;
    }
    verdict->causes_right = right;
    verdict->exact_set = right == truth->fault_count && right == verdict->found_count;
    if (open) verdict->top1 = verdict->abstained;
}

/* The start that is named is a parameter that the truth knows: when the fault was at work. */
static void starts_judge(const struct diagnosis *diagnosis, const struct naive_truth *truth,
                         struct exam_verdict *verdict)
{
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *cause = &diagnosis->instances[diagnosis->causes[i]];
        uint32_t fault = class_of(rule_of(diagnosis, cause));
        for (uint32_t k = 0; k < truth->fault_count; k++) {
            if ((uint32_t)truth->faults[k] != fault || cause->start_ns == 0) continue;
            int64_t early_ns = truth->since_ns[k] - cause->start_ns;
            int64_t late_ns = cause->start_ns - truth->until_ns[k];
            int64_t off_ns = early_ns > late_ns ? early_ns : late_ns;
            verdict->starts++;
            verdict->starts_right += off_ns <= 0;
            if (off_ns > 0) verdict->start_error_s += off_ns / 1000000000;
        }
    }
}

static void labels_count(const struct naive_truth *truth, const struct exam_verdict *verdict,
                         struct exam_tally *tally)
{
    for (uint32_t i = 0; i < verdict->found_count; i++) {
        tally->named[verdict->labels[i]]++;
        if (is_true(truth, verdict->found[i])) tally->named_right[verdict->labels[i]]++;
    }
}

static void faulty_count(const struct naive_truth *truth, const struct exam_verdict *verdict,
                         struct exam_tally *tally)
{
    uint32_t fault = truth->faults[0];
    uint32_t top = verdict->found_count == 0 ? EXAM_NOTHING : verdict->found[0];
    tally->faulty++;
    tally->top1 += verdict->top1;
    tally->in_three += verdict->in_three;
    tally->exact_set += verdict->exact_set;
    tally->abstained += verdict->abstained;
    tally->affected_exact += verdict->affected_exact;
    tally->money_exact += verdict->money_exact;
    tally->causes_right += verdict->causes_right;
    tally->causes_named += verdict->found_count;
    tally->causes_true += truth->fault_count;
    tally->starts += verdict->starts;
    tally->starts_right += verdict->starts_right;
    tally->start_error_s += (uint64_t)verdict->start_error_s;
    tally->affected_right += verdict->affected_right;
    tally->affected_found += verdict->affected_found;
    tally->affected_true += verdict->affected_true;
    tally->first_match += is_true(truth, verdict->first_match);
    tally->bayes += is_true(truth, verdict->bayes);
    tally->of_class[fault]++;
    tally->confusion[fault][is_true(truth, top) ? fault : top]++;
    tally->money_of_class[fault] += verdict->money_exact;
    if (!verdict->certain) return;
    tally->certain++;
    tally->certain_affected_exact += verdict->affected_exact;
    tally->certain_money_exact += verdict->money_exact;
}

void exam_score(const struct diagnosis *diagnosis, const struct naive_truth *truth, bool open,
                struct exam_tally *tally, struct exam_verdict *out_verdict)
{
    struct ledger_lines lines = { 0 };
    struct exam_verdict *verdict = out_verdict;
    memset(verdict, 0, sizeof *verdict);
    causes_read(diagnosis, verdict);
    truth_lines(truth, &lines);
    found_lines(diagnosis, &lines);
    accounts_compare(&lines, verdict);
    baselines_read(diagnosis, truth, tally, verdict);
    verdict_judge(truth, open, verdict);
    starts_judge(diagnosis, truth, verdict);
    tally->seeds++;
    tally->harmful += verdict->harmful;
    labels_count(truth, verdict, tally);
    if (truth->fault_count > 0) {
        faulty_count(truth, verdict, tally);
        return;
    }
    tally->clean++;
    tally->false_alarms += verdict->alarm;
}

struct digest exam_seal(struct str truth, struct exam_tally *tally)
{
    struct digest both[2] = { tally->truths, digest_of(truth.data, truth.len) };
    tally->truths = digest_of(both, sizeof both);
    return both[1];
}

void exam_faith_add(const struct exam_faith *faith, struct exam_tally *tally)
{
    tally->faith_cited += faith->cited;
    tally->faith_fell += faith->cited && faith->fell;
    tally->faith_other += faith->other;
    tally->faith_same += faith->other && faith->same;
}

/* ---- shown ---- */

/* A share in ten-thousandths, rounded down: 9,999 is not all. */
static uint64_t share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part * 10000 / whole;
}

struct exam_number {
    const char *name;
    uint64_t part;
    uint64_t whole; /* 0: a count, not a share */
};

enum { NUMBERS_MAX = 32 };

static uint32_t numbers_list(const struct exam_tally *tally, struct exam_number out[NUMBERS_MAX])
{
    const struct exam_number numbers[] = {
        { "top1", tally->top1, tally->faulty },
        { "ac_at_3", tally->in_three, tally->faulty },
        { "exact_set", tally->exact_set, tally->faulty },
        { "f1", 2 * tally->causes_right, tally->causes_named + tally->causes_true },
        { "abstained", tally->abstained, tally->faulty },
        { "start_right", tally->starts_right, tally->starts },
        { "faithful_cited", tally->faith_fell, tally->faith_cited },
        { "faithful_uncited", tally->faith_same, tally->faith_other },
        { "affected_exact", tally->affected_exact, tally->faulty },
        { "affected_precision", tally->affected_right, tally->affected_found },
        { "affected_recall", tally->affected_right, tally->affected_true },
        { "money_exact", tally->money_exact, tally->faulty },
        { "confirmed_cases", tally->certain, tally->faulty },
        { "confirmed_right", tally->named_right[LABEL_CONFIRMED], tally->named[LABEL_CONFIRMED] },
        { "confirmed_affected_exact", tally->certain_affected_exact, tally->certain },
        { "confirmed_money_exact", tally->certain_money_exact, tally->certain },
        { "probable_right", tally->named_right[LABEL_PROBABLE], tally->named[LABEL_PROBABLE] },
        { "possible_right", tally->named_right[LABEL_POSSIBLE], tally->named[LABEL_POSSIBLE] },
        { "baseline_first_match", tally->first_match, tally->faulty },
        { "baseline_naive_bayes", tally->bayes, tally->faulty },
        { "harmful_repairs", tally->harmful, 0 },
        { "false_alarms", tally->false_alarms, 0 },
    };
    uint32_t count = sizeof numbers / sizeof numbers[0];
    CHECK(count <= NUMBERS_MAX);
    memcpy(out, numbers, sizeof numbers);
    return count;
}

static uint64_t commonest(const struct exam_tally *tally)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < NAIVE_FAULT_COUNT; i++)
        if (tally->of_class[i] > most) most = tally->of_class[i];
    return most;
}

static const char *class_name(uint32_t fault)
{
    return fault == EXAM_NOTHING ? "-" : naive_fault_facts((enum naive_fault)fault)->id;
}

/* What was taken for what, by the family of the truth. */
static void confusion_json(const struct exam_tally *tally, struct json_writer *writer)
{
    json_write_key(writer, STR("confusion"));
    json_write_array_begin(writer);
    for (uint32_t i = 0; i < NAIVE_FAULT_COUNT; i++) {
        for (uint32_t j = 0; j < EXAM_CLASSES; j++) {
            if (i == j || tally->confusion[i][j] == 0) continue;
            json_write_object_begin(writer);
            json_write_key(writer, STR("family"));
            json_write_string(writer, str_from(naive_fault_facts((enum naive_fault)i)->family));
            json_write_key(writer, STR("is"));
            json_write_string(writer, str_from(class_name(i)));
            json_write_key(writer, STR("taken_for"));
            json_write_string(writer, str_from(class_name(j)));
            json_write_key(writer, STR("cases"));
            json_write_uint64(writer, tally->confusion[i][j]);
            json_write_object_end(writer);
        }
    }
    json_write_array_end(writer);
}

void exam_tally_json(const struct exam_tally *tally, struct json_writer *writer)
{
    struct exam_number numbers[NUMBERS_MAX];
    uint32_t count = numbers_list(tally, numbers);
    json_write_object_begin(writer);
    json_write_key(writer, STR("seeds"));
    json_write_uint64(writer, tally->seeds);
    for (uint32_t i = 0; i < count; i++) {
        json_write_key(writer, str_from(numbers[i].name));
        if (numbers[i].whole == 0 && numbers[i].part == 0 && i < count - 2) {
            json_write_null(writer); /* there was nothing to count */
            continue;
        }
        if (i >= count - 2) {
            json_write_uint64(writer, numbers[i].part);
            continue;
        }
        BUF_SCOPE struct buf text;
        buf_init(&text, 32);
        uint64_t value = share(numbers[i].part, numbers[i].whole);
        buf_append_format(&text, "%llu.%04llu", (unsigned long long)(value / 10000),
                          (unsigned long long)(value % 10000));
        json_write_json(writer, buf_view(&text));
    }
    char seal[2 * sizeof tally->truths.bytes + 1];
    json_write_key(writer, STR("start_error_s"));
    json_write_uint64(writer, tally->starts == 0 ? 0 : tally->start_error_s / tally->starts);
    json_write_key(writer, STR("truth_sha256"));
    json_write_string(writer, hex_format(tally->truths.bytes, sizeof tally->truths.bytes, seal));
    confusion_json(tally, writer);
    json_write_object_end(writer);
}

static void number_text(const struct exam_number *number, struct buf *out)
{
    unsigned long long part = number->part;
    unsigned long long whole = number->whole;
    uint64_t value = share(number->part, number->whole);
    if (number->whole == 0) {
        buf_append_format(out, "  %-26s %llu\n", number->name, part);
        return;
    }
    buf_append_format(out, "  %-26s %llu.%02llu %%  (%llu of %llu)\n", number->name,
                      (unsigned long long)(value / 100), (unsigned long long)(value % 100), part,
                      whole);
}

void exam_tally_text(const struct exam_tally *tally, bool open, struct buf *out_text)
{
    struct exam_number numbers[NUMBERS_MAX];
    uint32_t count = numbers_list(tally, numbers);
    buf_append_format(out_text, "%llu cases, %llu of them clean\n",
                      (unsigned long long)tally->seeds, (unsigned long long)tally->clean);
    if (open) buf_append_str(out_text, STR("top1: nothing was named for certain, as is right\n"));
    for (uint32_t i = 0; i < count; i++) number_text(&numbers[i], out_text);
    struct exam_number common = { "baseline_most_common", commonest(tally), tally->faulty };
    number_text(&common, out_text);
    for (uint32_t i = 0; i < NAIVE_FAULT_COUNT; i++) {
        const struct naive_fault_facts *facts = naive_fault_facts((enum naive_fault)i);
        uint64_t all = tally->of_class[i];
        if (all == 0) continue;
        if (tally->confusion[i][i] == all && tally->money_of_class[i] == all) continue;
        buf_append_format(out_text, "  %-11s %s  right %llu, money %llu of %llu", facts->family,
                          facts->id, (unsigned long long)tally->confusion[i][i],
                          (unsigned long long)tally->money_of_class[i], (unsigned long long)all);
        for (uint32_t j = 0; j < EXAM_CLASSES; j++) {
            if (j == i || tally->confusion[i][j] == 0) continue;
            buf_append_format(out_text, ", %s %llu", class_name(j),
                              (unsigned long long)tally->confusion[i][j]);
        }
        buf_append_byte(out_text, '\n');
    }
}
