#include "jit/x86_64/region.hpp"

#include "jit/x86_64/host_registers.hpp"
#include "jit/x86_64/instruction_facts.hpp"

#include <algorithm>
#include <unordered_map>

namespace truering {

namespace {

constexpr unsigned most_blocks = 48;
constexpr unsigned most_instructions = 480;

// After it the run loop must see whether the segments are still what the translation rests on.
bool loads_segment(const Instruction& insn) {
    const Row& row = isa[insn.row];
    if (row.operands[0].file == RegisterFile::Segment && row.mnemonic != "PUSH_seg") return true;
    return row.mnemonic.size() == 3 && row.mnemonic[0] == 'L' && row.mnemonic[2] == 'S' && row.mnemonic[1] != 'G';
}

Edge edge_to(u32 from_eip, u32 eip) {
    Edge edge;
    edge.eip = eip;
    edge.to = (from_eip ^ eip) / page_size == 0 ? Edge::To::Page : Edge::To::Far;
    return edge;
}

std::vector<Edge> edges_of(const Block& block, u32 eip) {
    const Instruction& last = block.operations()[block.count - 1].insn;
    const u32 behind = eip + block.bytes, target = behind + last.immediate;
    Edge special;
    special.eip = behind;
    switch (kind_of(last)) {
    case Kind::Jcc:
    case Kind::LOOP:
    case Kind::JCXZ: return {edge_to(eip, behind), edge_to(eip, target)};
    case Kind::JMP:
    case Kind::CALL: return {edge_to(eip, target)};
    case Kind::JMP_E:
    case Kind::CALL_E:
    case Kind::RET: special.to = Edge::To::Dynamic; return {special};
    default:
        if (last.row >= row_count || loads_segment(last)) return {special};
        return {edge_to(eip, behind)};
    }
}

bool calls(const Block& block) {
    const Kind kind = kind_of(block.operations()[block.count - 1].insn);
    return kind == Kind::CALL || kind == Kind::CALL_E;
}

class Planner {
  public:
    Planner(Cpu& cpu, const std::function<bool(u32)>& enterable) : cpu_(cpu), enterable_(enterable) {}

    RegionPlan plan(Block& first, u32 eip) {
        gather(first, eip);
        connect();
        bound_unchecked_ways();
        count_entries();
        while (spread_demand()) {
        }
        return std::move(plan_);
    }

  private:
    // Depth first, the way that falls through first: so that most blocks stand behind their predecessor.
    void gather(Block& first, u32 eip) {
        const u64 page = first.physical & ~u64{page_offset_mask};
        const CodeSize size = (first.key & 1) != 0 ? CodeSize::Bits32 : CodeSize::Bits16;
        std::vector<std::pair<Block*, u32>> open = {{&first, eip}};
        unsigned instructions = 0;
        while (!open.empty()) {
            const auto [block, at] = open.back();
            open.pop_back();
            if (index_.contains(at)) continue;
            if (!plan_.blocks.empty() && instructions + block->count > most_instructions) continue;
            if (plan_.blocks.size() == most_blocks) break;
            instructions += block->count;
            index_.emplace(at, static_cast<unsigned>(plan_.blocks.size()));
            PlannedBlock& planned = plan_.blocks.emplace_back();
            planned.block = block;
            planned.eip = at;
            planned.edges = edges_of(*block, at);
            const auto consider = [&](u32 next_eip) {
                if (enterable_(next_eip)) return;
                Block* const next = cpu_.blocks().find(BlockCache::key_of(page | page_offset(next_eip), size));
                if (next != nullptr && next->cold == 0) open.emplace_back(next, next_eip);
            };
            const u32 behind = at + block->bytes;
            if (calls(*block) && (at ^ behind) / page_size == 0) {
                returns_.push_back(behind);
                consider(behind);
            }
            for (size_t n = planned.edges.size(); n-- > 0;)
                if (planned.edges[n].to == Edge::To::Page) consider(planned.edges[n].eip);
        }
    }

    void connect() {
        for (unsigned n = 0; n < plan_.blocks.size(); ++n) {
            for (Edge& edge : plan_.blocks[n].edges) {
                if (edge.to != Edge::To::Page) continue;
                const auto found = index_.find(edge.eip);
                if (found == index_.end()) continue;
                edge.to = Edge::To::Inside;
                edge.inside = found->second;
                edge.checked = found->second <= n;
            }
        }
    }

    // Edges forward become checked ones where the way without a look would be too long.
    void bound_unchecked_ways() {
        std::vector<unsigned> longest(plan_.blocks.size());
        for (size_t n = plan_.blocks.size(); n-- > 0;) {
            const unsigned own = plan_.blocks[n].block->count;
            unsigned rest = 0;
            for (Edge& edge : plan_.blocks[n].edges) {
                if (edge.checked) continue;
                if (own + longest[edge.inside] > host::reserve)
                    edge.checked = true;
                else
                    rest = std::max(rest, longest[edge.inside]);
            }
            longest[n] = own + rest;
        }
    }

    void count_entries() {
        plan_.blocks[0].entered_from_outside = true;
        for (const u32 eip : returns_)
            if (const auto found = index_.find(eip); found != index_.end())
                plan_.blocks[found->second].entered_from_outside = true;
        for (unsigned n = 0; n < plan_.blocks.size(); ++n) {
            for (const Edge& edge : plan_.blocks[n].edges) {
                if (edge.to != Edge::To::Inside) continue;
                ++plan_.blocks[edge.inside].entries;
                if (edge.inside <= n) plan_.blocks[edge.inside].entered_from_behind = true;
            }
        }
        for (PlannedBlock& planned : plan_.blocks) {
            planned.flags_demanded = false;
            planned.demanded_behind.assign(planned.block->count, 0);
        }
    }

    // One pass backward; true if something has changed, so that another is needed.
    bool spread_demand() {
        bool changed = false;
        for (size_t n = plan_.blocks.size(); n-- > 0;) {
            PlannedBlock& planned = plan_.blocks[n];
            bool demanded = false;
            for (const Edge& edge : planned.edges)
                demanded |= edge.checked || edge.to != Edge::To::Inside || plan_.blocks[edge.inside].flags_demanded;
            for (u32 at = planned.block->count; at-- > 0;) {
                const Instruction& insn = planned.block->operations()[at].insn;
                planned.demanded_behind[at] = demanded ? 1 : 0;
                demanded = looks_at_flags(insn) || (demanded && !sets_all_flags(insn));
            }
            changed |= demanded != planned.flags_demanded;
            planned.flags_demanded = demanded;
        }
        return changed;
    }

    Cpu& cpu_;
    const std::function<bool(u32)>& enterable_;
    RegionPlan plan_;
    std::unordered_map<u32, unsigned> index_; // by EIP
    std::vector<u32> returns_;                // EIPs behind calls
};

} // namespace

unsigned RegionPlan::instructions() const {
    unsigned sum = 0;
    for (const PlannedBlock& planned : blocks) sum += planned.block->count;
    return sum;
}

RegionPlan plan_region(Cpu& cpu, Block& first, u32 eip, const std::function<bool(u32)>& enterable) {
    return Planner(cpu, enterable).plan(first, eip);
}

} // namespace truering
