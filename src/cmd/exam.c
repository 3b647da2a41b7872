/* tpwallet exam: the doctor on wallets that are broken on purpose, and how often it is right. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/delta.h"
#include "base/hex.h"
#include "cmd/command.h"
#include "cmd/exam_case.h"
#include "cmd/exam_sitting.h"
#include "cmd/invocation.h"
#include "cmd/report.h"
#include "cmd/seed_range.h"
#include "sim/exam_score.h"
#include "sim/naive_lot.h"

enum { PROGRESS_EVERY = 100, OUT_SIZE_MAX = 1 << 20 };

struct exam {
    struct seed_range range;
    enum naive_lot_kind kind;
    enum naive_fault only; /* NAIVE_FAULT_COUNT: every class */
    bool drops_each;       /* one source after the other, by seed */
    bool dropped[NAIVE_SOURCES];
    bool without_rule;
    bool faithful;
    bool verbose;
    struct exam_tally tally;
};

/* Options that would say two things, of which one would be passed over. */
static enum status options_agree(const struct invocation *invocation, struct error *out_error)
{
    static const char *const apart[][2] = {
        { "pairs", "chains" }, { "pairs", "clean" },         { "chains", "clean" },
        { "class", "chains" }, { "class", "clean" },         { "leave-one-out", "clean" },
        { "case", "seeds" },   { "case", "leave-one-out" },  { "case", "faithful" },
        { "case", "rules" },   { "leave-one-out", "pairs" }, { "leave-one-out", "chains" },
    };
    for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++)
        if (invocation_has(invocation, apart[i][0]) && invocation_has(invocation, apart[i][1]))
            return error_set(out_error, STATUS_INVALID, "--%s and --%s do not go together",
                             apart[i][0], apart[i][1]);
    if (invocation_has(invocation, "out") == invocation_has(invocation, "case")) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "--case SEED and --out DIR go together");
}

static enum status options_read(const struct invocation *invocation, struct exam *exam,
                                struct error *out_error)
{
    const char *class_text = invocation_text(invocation, "class");
    const char *drop = invocation_text(invocation, "drop");
    enum naive_source source;
    enum status status = options_agree(invocation, out_error);
    if (status != STATUS_OK) return status;
    exam->only = NAIVE_FAULT_COUNT;
    exam->without_rule = invocation_has(invocation, "leave-one-out");
    exam->faithful = invocation_has(invocation, "faithful");
    exam->verbose = invocation_has(invocation, "verbose");
    exam->drops_each = drop != NULL && strcmp(drop, "each") == 0;
    if (invocation_has(invocation, "pairs")) exam->kind = NAIVE_LOT_PAIR;
    if (invocation_has(invocation, "chains")) exam->kind = NAIVE_LOT_CHAIN;
    if (invocation_has(invocation, "clean")) exam->kind = NAIVE_LOT_CLEAN;
    if (class_text != NULL && !naive_fault_parse(str_from(class_text), &exam->only))
        return error_set(out_error, STATUS_INVALID, "'--class %s' is not a class of faults",
                         class_text);
    if (exam->only == NAIVE_R04)
        return error_set(out_error, STATUS_INVALID,
                         "R04 is money in transit: it is in every case, and no fault");
    if (drop != NULL && !exam->drops_each && !naive_source_parse(str_from(drop), &source)) {
        status = error_set(out_error, STATUS_INVALID, "'--drop %s' is not a source", drop);
        error_hint(out_error, "name a file of the bundle's evidence folder, like wal, or each");
        return status;
    }
    if (drop != NULL && !exam->drops_each) exam->dropped[source] = true;
    return seed_range_parse(invocation_text(invocation, "seeds"), &exam->range, out_error);
}

static void case_draw(const struct exam *exam, uint64_t seed, struct naive_case *out_case)
{
    bool dropped[NAIVE_SOURCES];
    memcpy(dropped, exam->dropped, sizeof dropped);
    if (exam->drops_each) dropped[seed / 7 % NAIVE_SOURCES] = true;
    naive_lot_draw(seed, exam->kind, exam->only, dropped, out_case);
}

/* ---- one line per case, for who writes rules ---- */

static void causes_print(const struct exam_verdict *verdict, struct buf *out)
{
    for (uint32_t i = 0; i < verdict->found_count; i++) {
        uint32_t fault = verdict->found[i];
        const char *id =
            fault == EXAM_NOTHING ? "?" : naive_fault_facts((enum naive_fault)fault)->id;
        buf_append_format(out, " %s(%s)", id, label_name(verdict->labels[i]));
    }
}

static void open_print(const struct diagnosis *diagnosis, struct buf *out)
{
    uint32_t shown = 0;
    uint32_t of_one = 0;
    uint32_t last = RULES_MAX;
    for (uint32_t i = 0; i < diagnosis->finding_count && shown < 12; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        char text[DELTA_TEXT_SIZE];
        if (finding->cause >= 0) continue;
        of_one = finding->rule == last ? of_one + 1 : 0;
        last = finding->rule;
        if (of_one >= 2) continue; /* two of each invariant are enough to see by */
        shown++;
        buf_append_format(out, "\n    open %.*s %.*s %.*s %.*s",
                          STR_ARG(diagnosis->rules->rules[finding->rule].id), STR_ARG(finding->key),
                          STR_ARG(finding->account), STR_ARG(delta_format(finding->delta, text)));
    }
}

static void instances_print(const struct diagnosis *diagnosis, const struct naive_truth *truth,
                            struct buf *out)
{
    for (uint32_t i = 0; i < diagnosis->instance_count; i++) {
        const struct instance *instance = &diagnosis->instances[i];
        const struct rule *rule = &diagnosis->rules->rules[instance->rule];
        bool ours = false;
        for (uint32_t j = 0; j < truth->fault_count; j++)
            ours = ours || str_equal(rule->id, str_from(naive_fault_facts(truth->faults[j])->id));
        if (!ours && !instance->selected) continue;
        if (instance->held_back.len > 0)
            buf_append_format(out, "\n    %.*s is no surer: %.*s", STR_ARG(rule->id),
                              STR_ARG(instance->held_back));
        buf_append_format(out, "\n    %.*s%s explains %u of %u, %u missing", STR_ARG(rule->id),
                          instance->rejected ? " rejected" : "", instance->explain_count,
                          instance->predicted, instance->missing);
        for (uint32_t p = 0; p < instance->predicate_count; p++) {
            const struct predicate_result *predicate = &instance->predicates[p];
            const struct rule_query *query = &diagnosis->rules->queries[predicate->query];
            buf_append_format(out, ", %.*s %c", STR_ARG(query->name), "FTU"[predicate->value]);
        }
    }
}

static void case_print(uint64_t seed, const struct naive_case *made,
                       const struct diagnosis *diagnosis, const struct exam_verdict *verdict)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, OUT_SIZE_MAX);
    buf_append_format(&out, "%llu is", (unsigned long long)seed);
    for (uint32_t i = 0; i < made->truth.fault_count; i++)
        buf_append_format(&out, " %s", naive_fault_facts(made->truth.faults[i])->id);
    buf_append_str(&out, STR(", found"));
    causes_print(verdict, &out);
    bool clean = made->truth.fault_count == 0;
    bool good = clean ? !verdict->alarm
                      : verdict->exact_set && verdict->affected_exact && verdict->money_exact &&
                            verdict->certain;
    if (!verdict->affected_exact) buf_append_str(&out, STR(", affected differs"));
    if (!verdict->money_exact) buf_append_str(&out, STR(", money differs"));
    if (verdict->harmful) buf_append_str(&out, STR(", HARMFUL"));
    if (!good) exam_differences(diagnosis, &made->truth, &out);
    if (!good) open_print(diagnosis, &out);
    if (!good) instances_print(diagnosis, &made->truth, &out);
    buf_append_byte(&out, '\n');
    (void)!report_put(stderr, buf_view(&out)); /* a help for people only */
}

/* ---- the exam ---- */

/* The truth is fixed, and in verbose runs shown by its hash, before anybody looks at evidence. */
static enum status truth_seal(struct exam *exam, uint64_t seed, const struct naive_case *made,
                              struct error *out_error)
{
    BUF_SCOPE struct buf truth;
    buf_init(&truth, 1 << 20);
    enum status status = naive_case_truth(made, &truth);
    if (status != STATUS_OK) return error_set(out_error, status, "the truth of a case");
    struct digest seal = exam_seal(buf_view(&truth), &exam->tally);
    char text[2 * sizeof seal.bytes + 1];
    struct str hex = hex_format(seal.bytes, sizeof seal.bytes, text);
    if (exam->verbose)
        (void)fprintf(stderr, "%llu sealed %.*s\n", (unsigned long long)seed, STR_ARG(hex));
    return STATUS_OK;
}

/* Whether the label rests on what it cites, and on nothing that it does not count by. */
static enum status faith_take(struct exam *exam, struct exam_sitting *sitting, uint64_t seed,
                              const struct naive_case *made, struct error *out_error)
{
    struct exam_faith faith;
    enum status status = exam_sitting_doubt(sitting, seed, made, &faith, out_error);
    if (status == STATUS_OK) exam_faith_add(&faith, &exam->tally);
    return status;
}

static enum status seed_take(struct exam *exam, struct exam_sitting *sitting, uint64_t seed,
                             struct error *out_error)
{
    struct naive_case made;
    struct exam_verdict verdict;
    const struct diagnosis *diagnosis;
    case_draw(exam, seed, &made);
    enum naive_fault without = NAIVE_FAULT_COUNT;
    if (exam->without_rule && made.truth.fault_count > 0) without = made.truth.faults[0];
    enum status status = truth_seal(exam, seed, &made, out_error);
    if (status == STATUS_OK)
        status = exam_sitting_take(sitting, &made, without, &diagnosis, out_error);
    if (status == STATUS_OK) {
        exam_score(diagnosis, &made.truth, exam->without_rule, &exam->tally, &verdict);
        if (exam->verbose) case_print(seed, &made, diagnosis, &verdict);
        if (exam->faithful) status = faith_take(exam, sitting, seed, &made, out_error);
    }
    naive_case_done(&made);
    return status;
}

static enum status exam_sit(struct exam *exam, struct exam_sitting *sitting,
                            struct error *out_error)
{
    uint64_t count = exam->range.last - exam->range.first + 1;
    for (uint64_t i = 0; i < count; i++) {
        enum status status = seed_take(exam, sitting, exam->range.first + i, out_error);
        if (status != STATUS_OK) return status;
        bool says = (i + 1) % PROGRESS_EVERY == 0 && i + 1 < count;
        if (says)
            (void)fprintf(stderr, "exam: %llu of %llu cases\n", (unsigned long long)(i + 1),
                          (unsigned long long)count);
    }
    return STATUS_OK;
}

static int tally_report(const struct invocation *invocation, const struct exam *exam)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, OUT_SIZE_MAX);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        exam_tally_json(&exam->tally, &writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        exam_tally_text(&exam->tally, exam->without_rule, &out);
    }
    return report_text(invocation, buf_view(&out));
}

static void case_text(const struct naive_case *made, uint64_t seed, const char *folder,
                      struct buf *out)
{
    buf_append_format(out, "%s: the bundle of case %llu, and truth.json beside it:", folder,
                      (unsigned long long)seed);
    for (uint32_t i = 0; i < made->truth.fault_count; i++)
        buf_append_format(out, " %s", naive_fault_facts(made->truth.faults[i])->id);
    if (made->truth.fault_count == 0) buf_append_str(out, STR(" nothing is broken"));
    buf_append_format(out, "\n`tpwallet doctor diagnose %s` looks at it\n", folder);
}

static void case_json(const struct naive_case *made, uint64_t seed, const char *folder,
                      struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("folder"));
    json_write_string(&writer, str_from(folder));
    json_write_key(&writer, STR("seed"));
    json_write_uint64(&writer, seed);
    json_write_key(&writer, STR("faults"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < made->truth.fault_count; i++)
        json_write_string(&writer, str_from(naive_fault_facts(made->truth.faults[i])->id));
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* far smaller than the buf */
    buf_append_byte(out, '\n');
}

static int case_report(const struct invocation *invocation, const struct exam *exam, uint64_t seed)
{
    struct error error;
    struct naive_case made;
    const char *folder = invocation_text(invocation, "out");
    BUF_SCOPE struct buf out;
    buf_init(&out, OUT_SIZE_MAX);
    case_draw(exam, seed, &made);
    enum status status = exam_case_write(&made, seed, folder, &error);
    if (status == STATUS_OK && invocation->json)
        case_json(&made, seed, folder, &out);
    else if (status == STATUS_OK)
        case_text(&made, seed, folder, &out);
    naive_case_done(&made);
    return status == STATUS_OK ? report_text(invocation, buf_view(&out))
                               : report_error(invocation, &error);
}

static int exam_run(struct invocation *invocation)
{
    struct error error;
    struct exam exam = { 0 };
    struct exam_sitting *sitting = NULL;
    uint64_t seed = 0;
    const struct number_range seeds = { 0, UINT64_MAX };
    enum status status = options_read(invocation, &exam, &error);
    if (status == STATUS_OK) status = invocation_number(invocation, "case", seeds, &seed, &error);
    if (status == STATUS_OK && invocation_has(invocation, "case"))
        return case_report(invocation, &exam, seed);
    if (status == STATUS_OK)
        status = exam_sitting_open(invocation_text(invocation, "rules"), &sitting, &error);
    if (status == STATUS_OK) status = exam_sit(&exam, sitting, &error);
    int code =
        status == STATUS_OK ? tally_report(invocation, &exam) : report_error(invocation, &error);
    exam_sitting_close(sitting);
    return code;
}

static const struct option exam_options[] = {
    { "seeds", "A..B", "which cases; each class of faults comes in turn", "0..299" },
    { "class", "ID", "only this class of faults", NULL },
    { "pairs", NULL, "two faults at once", NULL },
    { "chains", NULL, "faults that follow from what people did about another", NULL },
    { "clean", NULL, "nothing is broken: whatever is found is a false alarm", NULL },
    { "drop", "SOURCE", "without this source of evidence; each: one after the other", NULL },
    { "leave-one-out", NULL, "without the rule of the true cause: right is to say unknown", NULL },
    { "faithful", NULL, "take out a record that is cited, and one that is not; then ask again",
      NULL },
    { "rules", "DIR", "a folder with faults/ and invariants/; without, the rules built in", NULL },
    { "verbose", NULL, "a line for each case, and why when it came out wrong", NULL },
    { "case", "SEED", "write this case as a bundle, and its truth beside it", NULL },
    { "out", "DIR", "where --case puts it: a new folder", NULL },
    { 0 },
};

const struct command command_exam = {
    .name = "exam",
    .summary = "the doctor on wallets that are broken on purpose, and how often it is right",
    .details =
        "Each seed is a simulated wallet with a fault, and its twin without: the difference is the "
        "truth. The doctor gets the evidence that an operator would have, and is scored on the "
        "cause, the accounts and the amounts. How cases are made, and what the numbers mean, is "
        "described in docs/exam.md.",
    .options = exam_options,
    .examples = "exam --seeds 0..2999\nexam --seeds 0..99 --clean\nexam --class B03 --seeds 0..9 "
                "--verbose\nexam --case 17 --out case17",
    .run = exam_run,
};
