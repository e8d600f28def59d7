#include "vmm/account.hpp"

#include "vmm/guest.hpp"
#include "vmm/log.hpp"
#include "vmm/options.hpp"
#include "vmm/paging.hpp"
#include "vmm/trace.hpp"

namespace ringmaster {

namespace {

constexpr u32 places = 8;

// Where exits come from: a few buckets by EIP. In each the place that leads stays; one that others outnumber goes.
struct Place {
    u32 eip, count;
};

struct Entry {
    u64 count, ticks;
    u32 least, most;
    Place place[places];
};

struct PhaseEntry {
    u64 exits, guest_ticks, vmm_ticks;
};

Entry entries[reason_count];
PhaseEntry phases[phase_count];
u64 exits, total_ticks;
u64 entered_at; // TSC at the last entry
u32 last_reason;
Phase last_phase = Phase::Real;

constexpr const char* names[reason_count] = {
    "none",     "CR_ACCESS", "DR_ACCESS", "DT_LOAD",  "DT_STORE", "IO",        "MSR_READ",  "MSR_WRITE", "CPUID",
    "HLT",      "INVLPG",    "CACHE",     "RDTSC",    "RDPMC",    "IF_MODIFY", "IF_WINDOW", "SOFT_INT",  "TASK_SWITCH",
    "V32ENTER", "V32CALL",   "STEP",      "SHUTDOWN", "INIT",     "23",        "24",        "25",        "26",
    "27",       "28",        "29",        "30",       "31",       "EXCEPTION", "EXTINT",    "NMI"};
constexpr const char* phase_names[phase_count] = {"real mode", "protected, no paging", "paged", "virtual-8086"};

void note_place(Entry& entry, u32 eip) {
    Place& place = entry.place[(eip ^ eip >> 5) % places];
    if (place.eip == eip)
        ++place.count;
    else if (place.count == 0)
        place = {eip, 1};
    else
        --place.count;
}

u32 below_4g(u64 ticks) { return ticks >> 32 != 0 ? ~0u : static_cast<u32>(ticks); }

// Per thousand, and such; 0 of nothing is 0.
u32 ratio(u64 part, u64 whole, u32 scale) {
    while (whole >> 32 != 0 || part >> 34 != 0) {
        whole >>= 1;
        part >>= 1;
    }
    return whole == 0 ? 0 : below_4g(divide(part * scale, static_cast<u32>(whole)));
}

void say_places(const Entry& entry) {
    constexpr u32 shown = 3;
    u32 said = 0;
    for (u32 bound = ~0u; said < shown; ++said) {
        const Place* best = nullptr;
        for (const Place& place : entry.place)
            if (place.count != 0 && place.count < bound && (best == nullptr || place.count > best->count))
                best = &place;
        if (best == nullptr) return;
        say(" ", Hex{best->eip});
        bound = best->count;
    }
}

void say_reason(u32 reason) {
    const Entry& entry = entries[reason];
    const u32 share = ratio(entry.count, exits, 1000), weight = ratio(entry.ticks, total_ticks, 1000);
    say(Left{names[reason], 12}, Right{entry.count, 10}, Right{share / 10, 6}, ".", share % 10, Right{weight / 10, 6},
        ".", weight % 10, Right{entry.least, 8}, Right{ratio(entry.ticks, entry.count, 1), 8}, Right{entry.most, 9},
        " ");
    say_places(entry);
    say("\n");
}

void say_phase(u32 phase) {
    const PhaseEntry& entry = phases[phase];
    say(Left{phase_names[phase], 22}, Right{entry.exits, 10}, Right{entry.guest_ticks, 15}, Right{entry.vmm_ticks, 15},
        Right{ratio(entry.exits, entry.guest_ticks, 1'000'000'000), 10}, "\n");
}

u32 counted_before[reason_count]; // at the last line of the option live
u32 phases_seen;                  // a bit each

u32 since_last_line(u32 reason) { return static_cast<u32>(entries[reason].count) - counted_before[reason]; }

// The most frequent reasons since the last such line.
void say_live(Phase phase) {
    constexpr u32 shown = 4;
    say("Ringmaster: ", exits, " exits, ", phase_names[static_cast<u32>(phase)], ":");
    for (u32 n = 0; n < shown; ++n) {
        u32 best = 0;
        for (u32 reason = 1; reason < reason_count; ++reason)
            if (since_last_line(reason) > since_last_line(best)) best = reason;
        if (since_last_line(best) == 0) break;
        say(" ", names[best], " ", since_last_line(best));
        counted_before[best] = static_cast<u32>(entries[best].count);
    }
    for (u32 reason = 0; reason < reason_count; ++reason)
        counted_before[reason] = static_cast<u32>(entries[reason].count);
    say("\n");
}

} // namespace

Phase phase_now() {
    if (guest_v86()) return Phase::V86;
    if (guest_paging()) return Phase::Paged;
    return guest_protected() ? Phase::Protected : Phase::Real;
}

void account_entry() {
    entered_at = rdtsc();
    if (last_reason == 0) return;
    const u32 ticks = below_4g(entered_at - wide(area.exit.exit_tsc));
    Entry& entry = entries[last_reason];
    entry.ticks += ticks;
    if (ticks < entry.least || entry.least == 0) entry.least = ticks;
    if (ticks > entry.most) entry.most = ticks;
    total_ticks += ticks;
    phases[static_cast<u32>(last_phase)].vmm_ticks += ticks;
}

void account_exit() {
    const u32 reason = area.exit.exit_reason;
    last_reason = reason < reason_count ? reason : 0;
    Entry& entry = entries[last_reason];
    ++entry.count;
    ++exits;
    note_place(entry, guest().eip);
    const Phase phase = phase_now();
    PhaseEntry& phase_entry = phases[static_cast<u32>(phase)];
    ++phase_entry.exits;
    phase_entry.guest_ticks += wide(area.exit.exit_tsc) - entered_at;
    if (options.trace) trace_exit();
    if (options.live != 0) {
        const bool is_first = !test_bit(phases_seen, static_cast<u32>(phase));
        phases_seen = with_bit(phases_seen, static_cast<u32>(phase), true);
        if (is_first || static_cast<u32>(exits) % options.live == 0) say_live(phase);
    }
    last_phase = phase;
}

void say_account() {
    say("\nRingmaster's account: ", exits, " exits (if=",
        policy() == IF_SHADOW ? "shadow"
        : policy() == IF_TRAP ? "trap"
                              : "direct",
        options.paging == PagingPolicy::Shadow ? " paging=shadow" : " paging=guest", ")\n");
    say("reason           exits  share%   cost%     min     avg      max  most often at\n");
    for (u32 n = 1; n < reason_count; ++n)
        if (entries[n].count != 0) say_reason(n);
    say("phase                      exits    ticks, guest      ticks, VMM  exits per 10^9 guest ticks\n");
    for (u32 n = 0; n < phase_count; ++n)
        if (phases[n].exits != 0) say_phase(n);
    if (options.paging == PagingPolicy::Shadow) {
        const ShadowCounters& c = shadow_counters();
        say("shadow: ", c.fills, " fills, ", c.guest_faults, " faults of the guest's own, ", c.opened,
            " tables opened, ", c.compared, " pages of them compared, ", c.collected, " collections, ", c.restarted,
            " restarts\n");
    }
}

u64 exits_of(u32 reason) { return reason < reason_count ? entries[reason].count : 0; }
u64 exits_in_all() { return exits; }
const char* reason_name(u32 reason) { return reason < reason_count ? names[reason] : "unknown"; }

} // namespace ringmaster
