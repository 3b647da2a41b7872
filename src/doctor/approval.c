#include "doctor/approval.h"

#include <string.h>

#include "base/check.h"
#include "doctor/incident.h"
#include "doctor/note_lines.h"

enum { NOTE_MAX = 8192 };

static const char format[] = "tpwallet-approval-1";

void approval_write(const struct approval *approval, const struct note_signer *signer,
                    struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    char key[NOTE_KEY_TEXT_SIZE];
    BUF_SCOPE struct buf text;
    buf_init(&text, NOTE_MAX);
    CHECK(incident_id_is_valid(approval->incident));
    buf_append_format(&text, "%s\nincident %.*s\n", format, STR_ARG(approval->incident));
    note_line_digest(&text, "plan", &approval->plan);
    note_line_digest(&text, "rehearsal", &approval->rehearsal);
    buf_append_format(&text, "at %.*s\n", STR_ARG(wall_time_format(approval->at, at)));
    buf_append_format(&text, "expires %.*s\n", STR_ARG(wall_time_format(approval->expires_at, at)));
    buf_append_format(&text, "key %.*s\n", STR_ARG(note_key_format(&signer->key, key)));
    CHECK(!text.overflow);
    note_begin(out, buf_view(&text));
    note_sign(out, buf_view(&text), signer);
}

static bool text_parse(struct str text, struct approval *out)
{
    struct str line;
    struct str at;
    struct str expires;
    struct str key;
    bool there = str_take_line(&text, &line) && str_equal(line, str_from(format)) &&
                 note_line_take(&text, "incident", &out->incident) &&
                 note_line_take_digest(&text, "plan", &out->plan) &&
                 note_line_take_digest(&text, "rehearsal", &out->rehearsal) &&
                 note_line_take(&text, "at", &at) && note_line_take(&text, "expires", &expires) &&
                 note_line_take(&text, "key", &key) && text.len == 0;
    return there && incident_id_is_valid(out->incident) &&
           wall_time_parse(at, &out->at) == STATUS_OK &&
           wall_time_parse(expires, &out->expires_at) == STATUS_OK &&
           note_key_parse(key, &out->key) == STATUS_OK && out->key.kind == NOTE_ED25519;
}

enum status approval_read(struct str bytes, struct approval *out_approval, struct error *out_error)
{
    struct note note;
    if (bytes.len > NOTE_MAX || note_parse(bytes, &note, out_error) != STATUS_OK ||
        !text_parse(note.text, out_approval))
        return error_set(out_error, STATUS_INVALID, "it is no approval");
    if (note_verify(&note, &out_approval->key, out_error) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_DENIED, "the signature of the approval is wrong");
}

static const char *const verdict_texts[] = {
#define VERDICT_TEXT(name, text) (text),
    APPROVAL_VERDICT_TABLE(VERDICT_TEXT)
#undef VERDICT_TEXT
};

const char *approval_verdict_text(enum approval_verdict verdict)
{
    CHECK(verdict < APPROVAL_VERDICTS);
    return verdict_texts[verdict];
}

static bool same_key(const struct note_key *a, const struct note_key *b)
{
    return memcmp(a->public.bytes, b->public.bytes, sizeof a->public.bytes) == 0;
}

bool approval_is_own(const struct repair_plan *plan, const struct note_key *key)
{
    struct note_key proposer;
    return note_key_parse(plan->proposer, &proposer) != STATUS_OK || same_key(&proposer, key) ||
           str_equal(note_key_name(&proposer), note_key_name(key));
}

static enum approval_verdict verdict_of(const struct approval_case *given,
                                        const struct approval *approval)
{
    if (!str_equal(approval->incident, given->plan->incident)) return APPROVAL_OTHER_INCIDENT;
    if (!digest_equal(&approval->plan, &given->plan_digest)) return APPROVAL_OTHER_PLAN;
    if (!digest_equal(&approval->rehearsal, &given->rehearsal_digest))
        return APPROVAL_OTHER_REHEARSAL;
    if (approval->expires_at.ns <= given->now.ns || given->plan->expires_at.ns <= given->now.ns)
        return APPROVAL_EXPIRED;
    if (approval->at.ns > given->now.ns + CLOCK_JUMP_S_MAX * NS_PER_S)
        return APPROVAL_FROM_THE_FUTURE;
    if (repair_policy_approver(given->policy, &approval->key) == NULL) return APPROVAL_NO_APPROVER;
    return approval_is_own(given->plan, &approval->key) ? APPROVAL_PROPOSER : APPROVAL_COUNTS;
}

uint32_t approval_count(const struct approval_case *given, const struct approval *approvals,
                        uint32_t count, enum approval_verdict *out_verdicts)
{
    uint32_t counted = 0;
    for (uint32_t i = 0; i < count; i++) {
        enum approval_verdict verdict = verdict_of(given, &approvals[i]);
        for (uint32_t k = 0; k < i && verdict == APPROVAL_COUNTS; k++)
            if (out_verdicts[k] == APPROVAL_COUNTS &&
                same_key(&approvals[k].key, &approvals[i].key))
                verdict = APPROVAL_AGAIN;
        out_verdicts[i] = verdict;
        counted += verdict == APPROVAL_COUNTS;
    }
    return counted;
}
