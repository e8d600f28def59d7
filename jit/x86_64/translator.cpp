#include "jit/x86_64/translator.hpp"

#include "jit/x86_64/native_layout.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace truering {

namespace {

constexpr unsigned part_count = 8;
constexpr unsigned jump_bytes = 5; // E9 and a displacement

bool is_flat(const Segment& s) {
    constexpr i64 all = 0xFFFF'FFFF;
    return s.base == 0 && s.sure_read_last == all && s.sure_write_last == all;
}

} // namespace

Translator::Translator(Cpu& cpu, size_t code_bytes) : cpu_(cpu), code_(code_bytes) {
    stubs_ = make_stubs(code_, flag_table_, link_left_, units_image_);
    tables_ = std::make_unique<EntryTables>(stubs_.missing);
    stubs_.tables = tables_->address();
    used_ = stubs_.end - code_.address(0);
    part_bytes_ = (code_.size() - used_) / part_count;
    cpu_.set_block_runner(this);
}

Translator::~Translator() {
    cpu_.set_block_runner(nullptr);
    cpu_.tlb.forget_code();
}

// ---- Running

bool Translator::suits() const {
    const Segment& cs = cpu_.segment[seg_CS];
    if (cs.base != 0 || cs.limit != 0xFFFF'FFFF || !cs.is_32bit() || !cpu_.segment[seg_SS].is_32bit()) return false;
    return is_flat(cpu_.segment[seg_SS]) && is_flat(cpu_.segment[seg_DS]) && is_flat(cpu_.segment[seg_ES]);
}

u32 Translator::code_at(u32 eip) {
    CodePage page;
    page.table = cpu_.tlb_view->code[eip / page_size];
    return tables_->get(page, page_offset(eip));
}

bool Translator::run(Left& left) {
    if (NativeLayout::instructions_left(cpu_) < i64{host::reserve} || !suits()) return false;
    const u32 code = code_at(cpu_.eip);
    if (code == tables_->none()) return false;
    if (pending_link_) make_link(*pending_link_);
    using Enter = u32 (*)(Cpu*, u32, u32, TlbView*);
    const auto enter = reinterpret_cast<Enter>(u64{stubs_.enter});
    const u32 result = enter(&cpu_, code, cpu_.arithmetic.value(), cpu_.tlb_view);
    left = {};
    switch (static_cast<LeftAt>(result & 0xFF)) {
    case LeftAt::Border: return true;
    case LeftAt::Link: pending_link_ = link_left_; return true;
    case LeftAt::Operation: left.how = Left::How::Operation; break;
    case LeftAt::Behind: left.how = Left::How::Behind; break;
    case LeftAt::Call:
        left.how = Left::How::Outcome;
        left.outcome = static_cast<Outcome>(result >> 8);
        break;
    }
    left.at = cpu_.stopped_at;
    return true;
}

bool Translator::can_begin(const Block& block) const {
    return (block.key & 1) != 0 && NativeLayout::instructions_left(cpu_) >= i64{host::reserve} && suits() &&
           cpu_.tlb_view != cpu_.tlb.never();
}

bool Translator::attach(const CodePage& page) {
    cpu_.tlb.set_code(cpu_.cpl == 3, cpu_.eip, page.table);
    return code_at(cpu_.eip) != tables_->none();
}

bool Translator::find(const Block& block) {
    if (!can_begin(block)) return false;
    CodePage* const page = tables_->find(block.physical & ~u64{page_offset_mask}, cpu_.eip & ~page_offset_mask);
    return page != nullptr && tables_->has(*page, page_offset(cpu_.eip)) && attach(*page);
}

bool Translator::translate(Block& block) {
    if (!can_begin(block)) return false;
    if (tables_->full()) forget_all();
    CodePage* const page = tables_->page(block.physical & ~u64{page_offset_mask}, cpu_.eip & ~page_offset_mask);
    if (!tables_->has(*page, page_offset(cpu_.eip)) && !make_region(block, *page)) return false;
    return attach(*page);
}

// ---- Translating

bool Translator::make_region(Block& block, CodePage& page) {
    const PageMapping& mapping = cpu_.memory.page({page.physical});
    if (mapping.read == nullptr) return false;
    const auto enterable = [&](u32 eip) { return tables_->has(page, page_offset(eip)); };
    const RegionPlan plan = plan_region(cpu_, block, cpu_.eip, enterable);
    Emission result = emit(plan, page, mapping.read);
    if (result == Emission::NoRoom) {
        next_part();
        result = emit(plan, page, mapping.read); // NoRoom again: larger than a whole part
    }
    return result == Emission::Done;
}

// An error of the assembler's other than a lack of room is one of the emitters': no guest is to suffer from it, the
// interpreter executes what cannot be translated.
Translator::Emission Translator::emit(const RegionPlan& plan, CodePage& page, const u8* guest_bytes) {
    const size_t end = (stubs_.end - code_.address(0)) + (part_ + 1) * part_bytes_;
    try {
        Emitter emitter(plan, guest_bytes, code_.writable(used_), code_.address(used_), end - used_, stubs_);
        const size_t bytes = emitter.emit();
        record(plan, page, emitter, bytes);
    } catch (const Xbyak::Error& error) {
        return error == Xbyak::ERR_CODE_IS_TOO_BIG ? Emission::NoRoom : Emission::Refused;
    }
    return Emission::Done;
}

void Translator::record(const RegionPlan& plan, CodePage& page, const Emitter& emitter, size_t bytes) {
    auto region = std::make_unique<Region>();
    region->page = &page;
    region->part = part_;
    for (size_t n = 0; n < plan.blocks.size(); ++n) {
        const PlannedBlock& planned = plan.blocks[n];
        region->blocks.push_back(planned.block);
        regions_of_.emplace(planned.block, region.get());
        planned.block->translated = true;
        if (!planned.is_enterable()) continue;
        const u32 code = code_.address(used_ + emitter.begins_at(n));
        const u32 offset = page_offset(planned.eip);
        region->entries.push_back(code);
        entries_.emplace(code, Entry{region.get(), offset, planned.flags_demanded});
        tables_->set(page, offset, code);
    }
    for (size_t n = 0; n < emitter.links().size(); ++n) {
        if (free_links_.empty()) {
            free_links_.push_back(static_cast<u32>(links_.size()));
            links_.emplace_back();
        }
        const u32 number = free_links_.back();
        free_links_.pop_back();
        LinkRecord& link = links_[number];
        link = {emitter.links()[n], region.get(), nullptr};
        for (size_t* const offset : {&link.link.site, &link.link.saved, &link.link.saving, &link.link.out})
            *offset += used_;
        std::memcpy(code_.writable(used_ + emitter.link_number_at(n)), &number, sizeof number);
        region->links.push_back(number);
    }
    regions_.emplace(region.get(), std::move(region));
    used_ = (used_ + bytes + 15) & ~size_t{15};
    ++statistics_.regions;
    statistics_.instructions += plan.instructions();
}

// ---- Links

void Translator::patch_jump(size_t at, size_t target) {
    const i32 distance = static_cast<i32>(target) - static_cast<i32>(at + jump_bytes);
    std::memcpy(code_.writable(at + 1), &distance, sizeof distance);
}

// The last run ended with a jump within its page: it is made to lead to what is there now.
void Translator::make_link(u32 number) {
    pending_link_.reset();
    LinkRecord& record = links_[number];
    if (record.from == nullptr || record.to != nullptr || record.link.eip != cpu_.eip) return;
    const auto found = entries_.find(code_at(cpu_.eip));
    if (found == entries_.end() || found->second.region->page != record.from->page) return;
    Region& to = *found->second.region;
    const size_t target = found->first - code_.address(0);
    patch_jump(found->second.needs_flags ? record.link.saved : record.link.site, target);
    record.to = &to;
    to.incoming.push_back(number);
    ++statistics_.links;
}

void Translator::unlink(LinkRecord& record) {
    patch_jump(record.link.site, record.link.saving);
    patch_jump(record.link.saved, record.link.out);
    record.to = nullptr;
}

// ---- The end of regions

void Translator::kill(Region& region) {
    for (const u32 number : region.incoming) unlink(links_[number]);
    for (const u32 number : region.links) {
        LinkRecord& record = links_[number];
        if (record.to != nullptr && record.to != &region) std::erase(record.to->incoming, number);
        record = {};
        free_links_.push_back(number);
        if (pending_link_ == number) pending_link_.reset();
    }
    for (Block* const block : region.blocks) {
        const auto [first, last] = regions_of_.equal_range(block);
        const auto own = std::find_if(first, last, [&](const auto& pair) { return pair.second == &region; });
        regions_of_.erase(own);
        if (!regions_of_.contains(block)) block->translated = false;
    }
    for (const u32 code : region.entries) {
        const auto entry = entries_.find(code);
        tables_->clear(*region.page, entry->second.offset);
        entries_.erase(entry);
    }
    ++statistics_.killed;
    regions_.erase(&region);
}

void Translator::killed(Block& block) {
    for (auto found = regions_of_.find(&block); found != regions_of_.end(); found = regions_of_.find(&block))
        kill(*found->second);
}

void Translator::next_part() {
    part_ = (part_ + 1) % part_count;
    used_ = (stubs_.end - code_.address(0)) + part_ * part_bytes_;
    used_ = (used_ + 15) & ~size_t{15};
    std::vector<Region*> dying;
    for (const auto& [address, region] : regions_)
        if (region->part == part_) dying.push_back(region.get());
    for (Region* const region : dying) kill(*region);
    ++statistics_.recycled;
}

void Translator::forget_all() {
    for (const auto& [block, region] : regions_of_) const_cast<Block*>(block)->translated = false;
    cpu_.tlb.forget_code();
    tables_->clear_all();
    regions_.clear();
    entries_.clear();
    regions_of_.clear();
    links_.clear();
    free_links_.clear();
    pending_link_.reset();
    part_ = 0;
    used_ = stubs_.end - code_.address(0);
}

void Translator::all_discarded() { forget_all(); }

} // namespace truering
