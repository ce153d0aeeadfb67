//! The names, campaigns, products and notes of synthetic leads.

/// First names.
pub(super) const FIRST_NAMES: [&str; 72] = [
    "Budi", "Siti", "Andi", "Dewi", "Agus", "Rina", "Joko", "Sri", "Hendra", "Maya", "Rizky",
    "Putri", "Dimas", "Ayu", "Fajar", "Nur", "Bayu", "Indah", "Eko", "Wulan", "Arif", "Lestari",
    "Yusuf", "Fitri", "Gilang", "Ratna", "Iwan", "Dian", "Reza", "Nadia", "Taufik", "Intan",
    "Wahyu", "Mega", "Doni", "Citra", "Surya", "Anisa", "Bambang", "Yuni", "Rahmat", "Tika",
    "Ilham", "Vina", "Irfan", "Winda", "Galih", "Laras", "Ketut", "Made", "Wayan", "Nyoman",
    "Yohanes", "Maria", "Stefanus", "Grace", "Kevin", "Michelle", "Ahmad", "Aisyah", "Muhammad",
    "Zahra", "Umar", "Khadijah", "Teguh", "Melati", "Rudi", "Sari", "Adi", "Bunga", "Cahya",
    "Hasan",
];

/// Last names.
pub(super) const LAST_NAMES: [&str; 64] = [
    "Santoso",
    "Rahmawati",
    "Wijaya",
    "Lestari",
    "Pratama",
    "Kusuma",
    "Hidayat",
    "Nugroho",
    "Saputra",
    "Permata",
    "Setiawan",
    "Wulandari",
    "Gunawan",
    "Puspita",
    "Susanto",
    "Anggraini",
    "Kurniawan",
    "Maharani",
    "Firmansyah",
    "Utami",
    "Hartono",
    "Safitri",
    "Siregar",
    "Nasution",
    "Simanjuntak",
    "Sitompul",
    "Hutapea",
    "Panjaitan",
    "Lubis",
    "Harahap",
    "Manurung",
    "Purba",
    "Tanuwijaya",
    "Halim",
    "Salim",
    "Widodo",
    "Suryadi",
    "Yulianti",
    "Handayani",
    "Prasetyo",
    "Ramadhan",
    "Fauzi",
    "Maulana",
    "Hakim",
    "Syahputra",
    "Putra",
    "Suparman",
    "Sutanto",
    "Budiman",
    "Iskandar",
    "Wibowo",
    "Saragih",
    "Ginting",
    "Tarigan",
    "Pangestu",
    "Mulyani",
    "Suhartini",
    "Astuti",
    "Darmawan",
    "Effendi",
    "Irawan",
    "Marlina",
    "Oktaviani",
    "Zulkarnain",
];

/// Domains that are reserved for examples (RFC 2606).
pub(super) const EMAIL_DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Campaigns, each with the weight of its leads.
pub(super) const CAMPAIGNS: [(&str, u32); 8] = [
    ("Promo Januari", 22),
    ("Ramadan Sale", 18),
    ("Brand", 15),
    ("Gratis Ongkir", 13),
    ("Flash Sale Gajian", 11),
    ("Katalog WhatsApp", 9),
    ("Harbolnas", 7),
    ("Pengunjung Kembali", 5),
];

/// Products that leads ask for.
pub(super) const PRODUCTS: [&str; 12] = [
    "kaos polos",
    "sepatu lari",
    "tas kulit",
    "hijab motif",
    "kemeja batik",
    "jaket denim",
    "sandal kulit",
    "gamis anak",
    "celana chino",
    "topi rajut",
    "dompet pria",
    "jam tangan",
];

/// Notes on what leads want; `{}` is the product.
pub(super) const NOTES: [&str; 12] = [
    "Minta katalog dan daftar harga {}.",
    "Tanya stok {}, ukuran L dan XL.",
    "Mau pesan {} 20 pcs untuk acara kantor.",
    "Minta penawaran grosir {}.",
    "Tertarik {}, hubungi lagi setelah gajian.",
    "Sudah kirim contoh {}, menunggu jawaban.",
    "Tanya ongkir {} ke Surabaya.",
    "Ingin jadi reseller {}.",
    "Minta foto asli {} lewat WhatsApp.",
    "Menawar harga {}, kirim diskon 10%.",
    "Pelanggan lama, biasa beli {}.",
    "Lebih suka dihubungi sore hari soal {}.",
];

/// The prefixes of mobile numbers; each has a hundred million numbers.
pub(super) const MOBILE_PREFIXES: [u32; 43] = [
    811, 812, 813, 814, 815, 816, 817, 818, 819, 821, 822, 823, 828, 831, 832, 833, 838, 851, 852,
    853, 855, 856, 857, 858, 859, 868, 877, 878, 879, 881, 882, 883, 884, 885, 886, 887, 888, 889,
    895, 896, 897, 898, 899,
];
