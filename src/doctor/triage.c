#include "doctor/triage.h"

#include <string.h>

#include "base/json_member.h"

/* phase, within, takes, who, what, why, command, needs */
static const struct triage_step steps[] = {
    { "contain", "15 min", "1 min", "on-call", "does the ledger itself hold?",
      "a wrong view beside a right ledger needs no repair of money", "tpwallet check --data %d",
      0 },
    { "contain", "15 min", "1 min", "on-call", "is it still growing?",
      "decides how hard to stop; leave it running, it opens the incident at the first cent",
      "tpwallet doctor watch --incident %b.watch --key %k --data %d", TRIAGE_SERVER },
    { "contain", "15 min", "5 min", "on-call", "what waits for a person, what is in doubt",
      "money that was asked for and is not known to have moved",
      "tpwallet payment list --state manual --data %d", 0 },
    { "contain", "15 min", "5 min", "on-call",
      "stop what repeats itself: retries, jobs, manual resends; write down when",
      "each repeat is another effect, and hides the first", NULL, 0 },
    { "contain", "15 min", "1 min", "on-call", "let the consumers of events wait",
      "a replayed topic doubles effects downstream; offsets stay as they are",
      "tpwallet kafka pause --into BOOK", TRIAGE_KAFKA },
    { "contain", "30 min", "1 min", "on-call", "freeze accounts that lose money while you look",
      "a freeze is undone in a second, a payout is not",
      "tpwallet account freeze ACCOUNT --reason INCIDENT --data %d", 0 },
    { "contain", "30 min", "5 min", "security", "which API keys are there, and whose are they",
      "an incident may be somebody with a key; the next step is for those that are suspect",
      "tpwallet key list --data %d", 0 },
    { "contain", "30 min", "10 min", "security",
      "rotate suspect API keys: a new one for its owner, then the old one is refused",
      "the audit log has who did what with which key, so revoke and delete nothing else",
      "tpwallet key create NAME --scopes SCOPES --reason INCIDENT --data %d && "
      "tpwallet key revoke ID --reason INCIDENT --data %d",
      0 },
    { "contain", "30 min", "5 min", "security",
      "rotate the secret that our webhooks are signed with",
      "who has it can tell receivers anything; the old one signs too until --overlap-s is over",
      "tpwallet webhook endpoint rotate ID --reason INCIDENT --data %d", TRIAGE_WEBHOOKS },
    { "save", "30 min", "1 min", "everyone", "a key of your own, which signs what you do",
      "custody and approvals are counted by keys: nobody lends theirs",
      "tpwallet doctor key %k --name YOU", 0 },
    { "save", "30 min", "10 min", "on-call", "open the incident with what is ours",
      "from here on everything is under custody",
      "tpwallet doctor collect %b --key %k --incident INCIDENT --title TEXT --owner YOU --ours "
      "--data %d",
      0 },
    { "save", "30 min", "5 min", "on-call", "values, TTLs and versions of suspect keys",
      "caches forget first; purge nothing before it is written down",
      "tpwallet doctor collect %b --key %k --redis redis://HOST:PORT/DB --keys 'PATTERN'",
      TRIAGE_CACHE },
    { "save", "30 min", "2 min", "on-call", "offsets and lag of every consumer",
      "the next commit overwrites them",
      "tpwallet doctor collect %b --key %k --kafka BROKERS --topic NAME", TRIAGE_KAFKA },
    { "save", "30 min", "5 min", "database owner", "sessions, locks, prepared transactions, lag",
      "they are gone with their connections", "tpwallet doctor collect %b --key %k --postgres URL",
      TRIAGE_DATABASE },
    { "save", "1 h", "20 min", "service owners", "traces and logs of every service in the path",
      "rotation and sampling take them next",
      "tpwallet doctor collect %b --key %k --log FILE --system NAME --traces FILE", 0 },
    { "save", "1 h", "5 min", "on-call", "webhooks that were turned away, and why",
      "only the newest are kept", "tpwallet webhook rejections --data %d", TRIAGE_WEBHOOKS },
    { "save", "1 h", "10 min", "on-call", "a copy before anybody changes anything",
      "work on copies; the repair is rehearsed on one", "tpwallet backup %b.backup --data %d", 0 },
    { "save", "1 h", "10 min", "database owner", "base backup, and keep the WAL from now on",
      "the journal is in the database: its order of commits is evidence",
      "pg_basebackup -D FOLDER -X stream", TRIAGE_DATABASE },
    { "save", "2 h", "30 min", "finance", "what the PSP says, as of now",
      "whether money left is the PSP's word, not ours",
      "tpwallet doctor collect %b --key %k --statement FILE --mapping FILE --system PSP",
      TRIAGE_PSPS },
    { "save", "2 h", "5 min", "security", "certificates: can we still reach them, and they us",
      "an expired one looks like an outage of the PSP",
      "tpwallet doctor collect %b --key %k --endpoint HOST:443", TRIAGE_PSPS },
    { "save", "2 h", "5 min", "security", "who did what: keys, freezes, starts, settings",
      "most incidents begin with a change", "tpwallet audit list --json --data %d", 0 },
    { "save", "2 h", "10 min", "security", "was history changed?",
      "the signed log knows, whatever the journal says", "tpwallet log verify --data %d",
      TRIAGE_LOG },
    { "look", "3 h", "5 min", "ledger owner", "do the SQL tables say what the journal says?",
      "reports are made of them", "tpwallet projection check --data %d", TRIAGE_PROJECTION },
    { "look", "3 h", "5 min", "ledger owner", "what does it come to",
      "cause, what it is not, and every cent it touched", "tpwallet doctor diagnose %b", 0 },
    { "look", "3 h", "5 min", "ledger owner", "what evidence would decide",
      "the cheapest missing source first", "tpwallet doctor diagnose %b --next", 0 },
    { "look", "4 h", "1 min", "incident lead", "contained: say so in the ticket",
      "only when a second bundle shows no growth: collect another one with --again and --ours",
      "tpwallet doctor incident %b --key %k --state contained", 0 },
    { "repair", "6 h", "10 min", "incident lead",
      "the policy: approver lines with public keys, approvals, max_total of each asset",
      "who may approve what is agreed before there is a plan (docs/casework.md: A repair)", NULL,
      0 },
    { "repair", "8 h", "1 min", "ledger owner", "the diagnosis that the plan is made of",
      "it is kept beside the plan", "tpwallet doctor diagnose %b --json > %b.json", 0 },
    { "repair", "8 h", "30 min", "ledger owner", "make the plan, then rehearse it",
      "compensation only; an unknown cause gets no plan",
      "tpwallet doctor plan %b --key %k --diagnosis %b.json --policy FILE", 0 },
    { "repair", "8 h", "30 min", "an approver", "carry it out on copies",
      "an unrehearsed plan is not approved, nor one that its proposer rehearsed",
      "tpwallet doctor rehearse %b --key THEIRS --policy FILE --data %d", 0 },
    { "repair", "12 h", "1 h", "finance", "statement against ledger, line by line",
      "what the diagnosis does not explain shows here",
      "tpwallet reconcile --statement FILE --mapping FILE --psp NAME --data %d", TRIAGE_PSPS },
    { "repair", "24 h", "30 min", "two approvers", "two others approve",
      "never the one who proposed it", "tpwallet doctor approve %b --key THEIRS --policy FILE", 0 },
    { "repair", "24 h", "5 min", "on-call", "the bleeding is stopped: say so",
      "what is repaired while it goes on is wrong again at once",
      "tpwallet doctor step %b --policy FILE --key %k --number 1 --done", 0 },
    { "repair", "24 h", "1 min", "ledger owner", "what would be made, and what stands in the way",
      "a dry run changes nothing, and names the first account that is frozen, closed or short",
      "tpwallet doctor apply %b --policy FILE --data %d", 0 },
    { "repair", "24 h", "1 min", "on-call", "unfreeze what the entries have to be posted to",
      "a frozen account takes no entry; the bleeding is stopped by now",
      "tpwallet account unfreeze ACCOUNT --reason INCIDENT --data %d", 0 },
    { "repair", "24 h", "5 min", "ledger owner", "it is applied, once",
      "exactly the plan that was approved, and again is nothing",
      "tpwallet doctor apply %b --policy FILE --key %k --execute --data %d", 0 },
    { "repair", "24 h", "5 min", "ledger owner", "let the consumers go on",
      "after the cause is gone, not before", "tpwallet kafka resume --into BOOK", TRIAGE_KAFKA },
    { "close", "24 h", "5 min", "ledger owner", "verify on fresh evidence",
      "a repair is done when the evidence says so",
      "tpwallet doctor verify-repair %b --policy FILE --key %k --data %d", 0 },
    { "close", "30 h", "5 min", "on-call", "unfreeze the other accounts that were frozen",
      "customers wait for their money; the audit log has who froze what, and why",
      "tpwallet account unfreeze ACCOUNT --reason INCIDENT --data %d", 0 },
    { "close", "36 h", "1 h", "incident lead", "the report; tell customers and authorities",
      "deadlines of notification run from the finding",
      "tpwallet doctor report %b --html report.html --rca rca.md", 0 },
    { "close", "48 h", "5 min", "incident lead", "seal, and hand the digest over",
      "what is changed after it shows", "tpwallet doctor verify %b", 0 },
};

const struct triage_step *triage_steps(uint32_t *out_count)
{
    *out_count = sizeof steps / sizeof steps[0];
    return steps;
}

bool triage_applies(const struct triage_facts *facts, const struct triage_step *step)
{
    return step->needs == 0 || (facts->parts & step->needs) != 0;
}

/* As a shell takes it for one word. */
static void word_append(struct buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+,=";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        buf_append_str(out, str_from(text));
        return;
    }
    buf_append_byte(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_append_str(out, STR("'\\''"));
        else
            buf_append_byte(out, (uint8_t)*text);
    }
    buf_append_byte(out, '\'');
}

static void command_append(const struct triage_facts *facts, const char *command, struct buf *out)
{
    for (; *command != '\0'; command++) {
        const char *word = NULL;
        if (command[0] == '%' && command[1] == 'd') word = facts->data;
        if (command[0] == '%' && command[1] == 'b') word = facts->bundle;
        if (command[0] == '%' && command[1] == 'k') word = facts->key;
        if (word == NULL) {
            buf_append_byte(out, (uint8_t)*command);
            continue;
        }
        word_append(out, word);
        command++;
    }
}

void triage_text(const struct triage_facts *facts, struct buf *out)
{
    const char *phase = "";
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct triage_step *step = &steps[i];
        if (!triage_applies(facts, step)) continue;
        if (strcmp(step->phase, phase) != 0) buf_append_format(out, "%s\n", step->phase);
        phase = step->phase;
        buf_append_format(out, "  [ ] %-7s %s (%s, %s)\n", step->within, step->what, step->who,
                          step->takes);
        buf_append_format(out, "              why: %s\n", step->why);
        if (step->command == NULL) continue;
        buf_append_str(out, STR("              "));
        command_append(facts, step->command, out);
        buf_append_byte(out, '\n');
    }
}

static void step_json(const struct triage_facts *facts, const struct triage_step *step,
                      struct json_writer *writer)
{
    BUF_SCOPE struct buf command;
    buf_init(&command, 64 << 10);
    if (step->command != NULL) command_append(facts, step->command, &command);
    json_write_object_begin(writer);
    json_member_text(writer, "phase", str_from(step->phase));
    json_member_text(writer, "within", str_from(step->within));
    json_member_text(writer, "takes", str_from(step->takes));
    json_member_text(writer, "who", str_from(step->who));
    json_member_text(writer, "what", str_from(step->what));
    json_member_text(writer, "why", str_from(step->why));
    json_member_text(writer, "command", buf_view(&command));
    json_write_object_end(writer);
}

void triage_json(const struct triage_facts *facts, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_array_begin(&writer);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (triage_applies(facts, &steps[i])) step_json(facts, &steps[i], &writer);
    }
    json_write_array_end(&writer);
    if (json_write_end(&writer) == STATUS_OK) buf_append_byte(out, '\n'); /* else: overflow */
}
