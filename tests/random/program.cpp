#include "tests/random/program.hpp"

namespace truering::random_test {

namespace {

class Layout {
  public:
    Layout(const Program& program, const std::vector<bool>& kept)
        : program_(program), kept_(kept), near_(program.items.size(), false), begins_(program.items.size() + 1, 0) {}

    Image make() {
        do place();
        while (lengthen());
        Image image;
        image.first_eip = program_.first_eip;
        image.begins = begins_;
        image.head_eip = eip_of(program_.head);
        for (u32 n = 0; n < program_.items.size(); ++n) {
            if (!kept_[n]) continue;
            image.bytes.resize(begins_[n], filler);
            append(image.bytes, n);
        }
        return image;
    }

  private:
    static constexpr u8 filler = 0xCC;

    [[nodiscard]] unsigned displacement_bytes() const { return program_.size == CodeSize::Bits32 ? 4 : 2; }
    [[nodiscard]] u32 eip_of(Label label) const { return program_.first_eip + begins_[program_.labels[label]]; }

    [[nodiscard]] u32 bytes_of(u32 n) const {
        const Item& item = program_.items[n];
        if (!item.is_jump()) return static_cast<u32>(item.bytes.size());
        if (is_near(n)) return static_cast<u32>(item.near_form.size()) + displacement_bytes();
        return static_cast<u32>(item.bytes.size()) + 1;
    }
    [[nodiscard]] bool is_near(u32 n) const { return near_[n] || program_.items[n].bytes.empty(); }

    void place() {
        u32 at = 0;
        for (u32 n = 0; n < program_.items.size(); ++n) {
            if (const u32 offset = program_.items[n].new_page_at; offset != 0 && kept_[n]) {
                const u32 linear = program_.cs_base + program_.first_eip + at;
                at += page_size - page_offset(linear) + offset;
            }
            begins_[n] = at;
            if (kept_[n]) at += bytes_of(n);
        }
        begins_.back() = at;
    }

    // Short jumps that do not reach become near ones; true if there were some.
    bool lengthen() {
        bool changed = false;
        for (u32 n = 0; n < program_.items.size(); ++n) {
            const Item& item = program_.items[n];
            if (!kept_[n] || !item.is_jump() || is_near(n) || item.near_form.empty() || reaches(n)) continue;
            near_[n] = changed = true;
        }
        return changed;
    }
    [[nodiscard]] u32 displacement(u32 n) const {
        return eip_of(program_.items[n].target) - (program_.first_eip + begins_[n] + bytes_of(n));
    }
    [[nodiscard]] bool reaches(u32 n) const { return displacement(n) + 0x80 < 0x100; }

    void append(std::vector<u8>& to, u32 n) const {
        const Item& item = program_.items[n];
        if (!item.is_jump()) {
            const std::size_t at = to.size();
            to.insert(to.end(), item.bytes.begin(), item.bytes.end());
            if (item.target == no_label) return;
            const u32 address = eip_of(item.target) + item.addend;
            for (unsigned b = 0; b < item.address_bytes; ++b)
                to[at + item.address_at + b] = static_cast<u8>(address >> 8 * b);
        } else if (is_near(n)) {
            to.insert(to.end(), item.near_form.begin(), item.near_form.end());
            for (unsigned b = 0; b < displacement_bytes(); ++b) to.push_back(static_cast<u8>(displacement(n) >> 8 * b));
        } else { // LOOP and JCXZ may not reach: then both ways lead to the next instruction
            to.insert(to.end(), item.bytes.begin(), item.bytes.end());
            to.push_back(reaches(n) ? static_cast<u8>(displacement(n)) : 0);
        }
    }

    const Program& program_;
    const std::vector<bool>& kept_;
    std::vector<bool> near_;
    std::vector<u32> begins_;
};

} // namespace

Image lay_out(const Program& program, const std::vector<bool>& kept) { return Layout(program, kept).make(); }

} // namespace truering::random_test
