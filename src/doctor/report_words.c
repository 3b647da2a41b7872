#include "doctor/report_words.h"

#include <string.h>

#include "base/check.h"

static const struct {
    const char *english;
    const char *chinese;
} words[] = {
    /* headings */
    { "Incident", "事件" },
    { "Money", "资金" },
    { "Causes", "原因" },
    { "Evidence", "证据" },
    { "Timeline", "时间线" },
    { "Hypotheses", "假设" },
    { "Affected", "受影响项" },
    { "Invariants", "不变式" },
    { "Plan", "修复计划" },
    { "Coverage", "证据覆盖" },
    { "Actions", "行动项" },
    { "Roadmap", "路线图" },
    /* the bar at the top */
    { ", still growing", "，仍在扩大" },
    { ", not growing any more", "，已不再扩大" },
    { "owner", "负责人" },
    { "state", "状态" },
    { "as of", "截至" },
    /* columns and labels */
    { "currency", "币种" },
    { "too much", "多出" },
    { "too little", "少了" },
    { "accounts", "账户数" },
    { "account", "账户" },
    { "not explained", "无法解释" },
    { "after the repair", "修复后" },
    { "after the plan", "按计划之后" },
    { "not CONFIRMED, because:", "未能确认，原因：" },
    { "Why:", "机理：" },
    { "Began:", "开始：" },
    { "Newest case:", "最近一例：" },
    { "Do now:", "立即执行：" },
    { "Repair:", "修复：" },
    { "Prevention:", "预防：" },
    { "What it cannot tell:", "无法判断之处：" },
    { "in", "来自" },
    { "hypothesis", "假设" },
    { "verdict", "结论" },
    { "predicates: true, false, unknown", "判据：真、假、未知" },
    { "rejected by", "被排除，依据" },
    { "explains less", "解释得更少" },
    { "too much (+) or too little (-)", "多出（+）或少了（-）" },
    { "repair", "修复方式" },
    { "left to people", "留待人工处理" },
    { "by an entry", "以分录修复" },
    { "without an entry", "无需分录" },
    { "payment", "支付" },
    { "record", "记录" },
    { "Save as CSV", "另存为 CSV" },
    { "more", "更多" },
    { "more, in report/diagnosis.json", "更多，见 report/diagnosis.json" },
    { "id", "编号" },
    { "what must hold", "必须成立的条件" },
    { "holds", "成立" },
    { "violations", "违反数" },
    { "not repaired yet", "尚未修复" },
    { "see verify-repair", "见 verify-repair" },
    { ", each taken back", "，均已冲回" },
    { ", not settled", "，尚未了结" },
    { "There is none yet.", "尚无计划。" },
    { "step", "步骤" },
    { "what", "内容" },
    { "debit", "借方" },
    { "credit", "贷方" },
    { "amount", "金额" },
    { "takes back", "冲回" },
    { "done when", "完成标志" },
    { "undo", "撤销方法" },
    { "with", "命令" },
    { "Approvals needed:", "所需批准数：" },
    { "Expires:", "到期：" },
    { "Rehearsed:", "已演练：" },
    { "Applied:", "已执行：" },
    { "source", "来源" },
    { "system", "系统" },
    { "records", "记录数" },
    { "rejected", "拒收数" },
    { "Not seen, and would decide something:", "未见到、但能起决定作用的证据：" },
    { "within", "期限" },
    { "priority", "优先级" },
    { "due", "到期时间" },
    { "proven by", "证明命令" },
    /* verdicts, labels, truths, states */
    { "clean", "正常" },
    { "repaired", "已修复" },
    { "explained", "已解释" },
    { "partly explained", "部分解释" },
    { "unknown", "未知" },
    { "CONFIRMED", "已确认" },
    { "PROBABLE", "很可能" },
    { "POSSIBLE", "可能" },
    { "AMBIGUOUS", "不能区分" },
    { "UNKNOWN", "未知" },
    { "yes", "是" },
    { "no", "否" },
    { "true", "真" },
    { "false", "假" },
    { "require", "必要" },
    { "forbid", "排除" },
    { "separate", "区分" },
    { "doubt", "存疑" },
    { "open", "处理中" },
    { "contained", "已遏制" },
    { "diagnosed", "已诊断" },
    { "verified", "已核验" },
    { "closed", "已关闭" },
    /* steps of a plan */
    { "stop", "止损" },
    { "fix", "根治" },
    { "compensate", "补偿分录" },
    { "send_back", "退回款项" },
    { "purge", "清除缓存" },
    { "rebuild", "重建" },
    { "redeliver", "重新投递" },
    { "poll", "查询 PSP" },
    { "rotate", "轮换密钥" },
    { "leave", "留待人工" },
    /* owners of actions */
    { "on call", "值班人员" },
    { "ledger", "账务" },
    { "support", "客服" },
    { "incident owner", "事件负责人" },
    { "engineering", "研发" },
    { "operations", "运维" },
    { "finance", "财务" },
    /* actions and roadmap */
    { "stop what the plan says first; see that it does not grow",
      "先停止计划所列的源头，并确认问题不再扩大" },
    { "plan, rehearse, have two others approve, apply", "制定计划、演练、由另外两人批准、执行" },
    { "verify the repair on fresh evidence", "用新采集的证据核验修复" },
    { "tell the customers concerned, with the amounts of the list", "按清单金额通知受影响的客户" },
    { "seal the bundle and hand its digest over", "封存证据包并移交其摘要" },
    { "deploy the prevention that the cause names", "上线该原因所列的预防措施" },
    { "compare the last 90 days with the PSP for the same signature",
      "与 PSP 核对最近 90 天，查找同样的迹象" },
    { "have this report signed, and the incident closed", "签署本报告并关闭事件" },
    { "inject a fault of the same class and see it prevented", "注入同类故障，确认能够防住" },
    { "review approval limits and who may approve", "复核批准限额与批准人" },
    { "stop the producer, consumer or job that the cause names; compensate by the plan",
      "停止该原因所指的生产者、消费者或任务；按计划补偿" },
    { "restore what was suspended; watch the invariants that were violated",
      "恢复被暂停的部分；监视曾被违反的不变式" },
    { "traces and keys over the edge concerned; webhooks deduplicated in the effect's "
      "transaction; caches versioned",
      "在相关边界贯通追踪与幂等键；在生效事务内去重 webhook；缓存带版本" },
    { "keys, limits, regions and audits: drills of this class of fault; the rule's "
      "record of false alarms reviewed",
      "密钥、限额、地域与审计：演练此类故障；复核该规则的误报记录" },
};

enum { WORDS = sizeof words / sizeof words[0] };

static int find(struct str english)
{
    for (int i = 0; i < WORDS; i++)
        if (str_equal(english, str_from(words[i].english))) return i;
    return -1;
}

bool report_language_parse(struct str text, enum report_language *out_language)
{
    *out_language = str_equal(text, STR("zh")) ? REPORT_CHINESE : REPORT_ENGLISH;
    return *out_language == REPORT_CHINESE || str_equal(text, STR("en"));
}

const char *report_language_code(enum report_language language)
{
    return language == REPORT_CHINESE ? "zh" : "en";
}

const char *report_word(enum report_language language, const char *english)
{
    int place = find(str_from(english));
    CHECK(place >= 0); /* it is in the report's own code */
    return language == REPORT_CHINESE ? words[place].chinese : english;
}

struct str report_value(enum report_language language, struct str english)
{
    int place = language == REPORT_CHINESE ? find(english) : -1;
    return place < 0 ? english : str_from(words[place].chinese);
}
