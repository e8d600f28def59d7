#include "decoder/decoder.hpp"

#include "base/bits.hpp"
#include "decoder/table.hpp"

namespace truering {

namespace {

class Decoder {
  public:
    Decoder(std::span<const u8> bytes, CodeSize size, const FeatureSet& features) : bytes_(bytes), features_(features) {
        insn_.operand_32 = insn_.address_32 = size == CodeSize::Bits32;
    }

    Decoded run() {
        read_instruction();
        if (stop_ == Stop::Truncated) return {};
        insn_.length = static_cast<u8>(position_);
        insn_.address_mask = insn_.address_32 ? ~u32{0} : 0xFFFF;
        if (stop_ == Stop::TooLong) insn_.row = row_too_long;
        return {DecodeStatus::Complete, insn_};
    }

  private:
    enum class Stop : u8 { No, Truncated, TooLong };

    // The next 1, 2 or 4 bytes.
    u32 take(unsigned count) {
        if (stop_ != Stop::No) return 0;
        if (position_ + count > max_instruction_length) {
            // Bytes up to the limit are fetched before the length is known to be wrong.
            stop_ = bytes_.size() < max_instruction_length ? Stop::Truncated : Stop::TooLong;
            return 0;
        }
        if (position_ + count > bytes_.size()) {
            stop_ = Stop::Truncated;
            return 0;
        }
        const u8* const at = &bytes_[position_];
        position_ += count;
        u32 value = at[0];
        if (count > 1) value |= u32{at[1]} << 8;
        if (count > 2) value |= u32{at[2]} << 16 | u32{at[3]} << 24;
        return value;
    }

    void read_instruction() {
        const u8 first = read_prefixes();
        unsigned map = 0;
        insn_.opcode = first;
        if (first == 0x0F) {
            map = 1;
            insn_.opcode = static_cast<u8>(take(1));
        }
        if (stop_ != Stop::No) return;
        const OpcodeEntry& entry = opcode_entry(map, insn_.opcode);
        insn_.rm = insn_.opcode & 7;
        if (entry.has_modrm) read_modrm(entry.ignores_mod || entry.ends_at_modrm);
        if (stop_ != Stop::No) return;
        if (entry.ends_at_modrm && insn_.modrm < 0xC0) insn_.memory = true; // a form that no row has
        insn_.row = entry.is_group ? row_in_group(opcode_group(entry.index)) : entry.index;
        if (insn_.row == row_undefined) return;
        const Row& row = isa[insn_.row];
        for (const Operand& operand : row.operands) read_operand(operand);
        if (!is_allowed(row)) insn_.row = row_undefined;
    }

    u8 read_prefixes() {
        const bool code_32 = insn_.operand_32;
        for (;;) {
            const u8 byte = static_cast<u8>(take(1));
            if (stop_ != Stop::No) return 0;
            switch (byte) {
            case 0x26: override(seg_ES); break;
            case 0x2E: override(seg_CS); break;
            case 0x36: override(seg_SS); break;
            case 0x3E: override(seg_DS); break;
            case 0x64: override(seg_FS); break;
            case 0x65: override(seg_GS); break;
            case 0x66:
                insn_.operand_32 = !code_32;
                insn_.operand_prefix = true;
                break;
            case 0x67: insn_.address_32 = !code_32; break;
            case 0xF0: insn_.lock = true; break;
            case 0xF2: insn_.repeat = Repeat::Repne; break;
            case 0xF3: insn_.repeat = Repeat::Repe; break;
            default: return byte;
            }
        }
    }

    void override(SegmentIndex segment) {
        insn_.segment = segment;
        insn_.segment_override = true;
    }

    void read_modrm(bool ignores_mod) {
        insn_.modrm = static_cast<u8>(take(1));
        insn_.reg = (insn_.modrm >> 3) & 7;
        insn_.rm = insn_.modrm & 7;
        insn_.memory = insn_.modrm < 0xC0 && !ignores_mod;
        if (!insn_.memory || stop_ != Stop::No) return;
        if (insn_.address_32)
            read_address_32(insn_.modrm >> 6);
        else
            read_address_16(insn_.modrm >> 6);
        const bool on_stack = insn_.address_32 ? (insn_.base == 4 || insn_.base == 5) : insn_.base == 5;
        if (on_stack && !insn_.segment_override) insn_.segment = seg_SS;
    }

    // SDM vol. 2A, table 2-1.
    void read_address_16(unsigned mod) {
        constexpr u8 bases[8] = {3, 3, 5, 5, 6, 7, 5, 3};
        constexpr u8 indexes[8] = {6, 7, 6, 7, no_register, no_register, no_register, no_register};
        insn_.base = bases[insn_.rm];
        insn_.index = indexes[insn_.rm];
        if (mod == 0 && insn_.rm == 6) {
            insn_.base = no_register;
            insn_.displacement = take(2);
        } else if (mod == 1) {
            insn_.displacement = sign_extend_8(take(1));
        } else if (mod == 2) {
            insn_.displacement = take(2);
        }
    }

    // SDM vol. 2A, tables 2-2 and 2-3.
    void read_address_32(unsigned mod) {
        insn_.base = insn_.rm;
        if (insn_.rm == 4) {
            const u8 sib = static_cast<u8>(take(1));
            insn_.scale = sib >> 6;
            insn_.index = (sib >> 3) & 7;
            if (insn_.index == 4) insn_.index = no_register;
            insn_.base = sib & 7;
        }
        if (mod == 0 && insn_.base == 5) {
            insn_.base = no_register;
            insn_.displacement = take(4);
        } else if (mod == 1) {
            insn_.displacement = sign_extend_8(take(1));
        } else if (mod == 2) {
            insn_.displacement = take(4);
        }
    }

    [[nodiscard]] u16 row_in_group(const OpcodeGroup& group) const {
        MandatoryPrefix prefix = MandatoryPrefix::NP;
        if (insn_.repeat == Repeat::Repe)
            prefix = MandatoryPrefix::pF3;
        else if (insn_.repeat == Repeat::Repne)
            prefix = MandatoryPrefix::pF2;
        else if (insn_.operand_prefix)
            prefix = MandatoryPrefix::p66;
        return group.row[static_cast<unsigned>(prefix)][insn_.reg][insn_.memory ? form_memory : insn_.rm];
    }

    void read_operand(const Operand& operand) {
        switch (operand.place) {
        case Place::Immediate: read_immediate(operand); break;
        case Place::Relative:
            insn_.immediate = operand.width == Width::b ? sign_extend_8(take(1))
                              : insn_.operand_32        ? take(4)
                                                        : sign_extend_16(take(2));
            break;
        case Place::Offset: insn_.displacement = take(insn_.address_32 ? 4 : 2); break;
        case Place::Far:
            insn_.immediate = take(insn_.operand_bytes());
            insn_.selector = static_cast<u16>(take(2));
            break;
        default: break;
        }
    }

    void read_immediate(const Operand& operand) {
        u32 value = 0;
        switch (operand.width) {
        case Width::b:
            value = take(1);
            if (operand.sign_extended) value = sign_extend_8(value);
            break;
        case Width::w: value = take(2); break;
        default: value = take(insn_.operand_bytes()); break;
        }
        if (has_immediate_) // ENTER has two
            insn_.selector = static_cast<u16>(value);
        else
            insn_.immediate = value;
        has_immediate_ = true;
    }

    [[nodiscard]] bool is_allowed(const Row& row) const {
        if (!features_.has(row.attributes.feature)) return false;
        if (insn_.lock && !(row.attributes.lockable && insn_.memory)) return false;
        for (unsigned n = 0; n < 3; ++n) {
            const Place place = row.operands[n].place;
            if (place == Place::Segment && (insn_.reg > seg_GS || (n == 0 && insn_.reg == seg_CS))) return false;
            if (place == Place::Control && (insn_.reg == 1 || insn_.reg > 4)) return false;
        }
        return true;
    }

    std::span<const u8> bytes_;
    const FeatureSet& features_;
    unsigned position_ = 0;
    Stop stop_ = Stop::No;
    bool has_immediate_ = false;
    Instruction insn_;
};

} // namespace

Decoded decode(std::span<const u8> bytes, CodeSize size, const FeatureSet& features) {
    return Decoder(bytes, size, features).run();
}

} // namespace truering
