// Boots a raw disk on v86, without a screen, until the guest says on COM1 that it is done.
//   node v86_runner.mjs PACKAGE MEMORY_MIB DISK SERIAL_FILE
import { readFileSync, writeSync, openSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [packageFolder, memory, disk, serialFile] = process.argv.slice(2);
const { V86 } = await import(pathToFileURL(`${packageFolder}/build/libv86.mjs`).href);
const bytes = path => { const b = readFileSync(path); return b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength); };
const last_words = /(BENCH|TEST) DONE/;

const emulator = new V86({
    wasm_path: `${packageFolder}/build/v86.wasm`,
    memory_size: Number(memory) * 1024 * 1024,
    vga_memory_size: 8 * 1024 * 1024,
    bios: { buffer: bytes("/usr/share/seabios/bios.bin") },
    vga_bios: { buffer: bytes("/usr/share/seabios/vgabios-stdvga.bin") },
    hda: { buffer: bytes(disk) },
    boot_order: 0x312,
    autostart: true,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
});

const serial = openSync(serialFile, "a");
let line = "";
emulator.add_listener("serial0-output-byte", byte => {
    writeSync(serial, Uint8Array.of(byte));
    line = byte === 10 ? "" : line + String.fromCharCode(byte);
    if (last_words.test(line)) process.exit(0);
});
