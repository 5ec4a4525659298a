namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>The words that synthetic notes are made of. Codes are ICD-10's; everything else is invented for practice and means nothing for a real patient.</summary>
internal static class ClinicalTerms
{
    public static readonly (string Name, string Code)[] Conditions =
    [
        ("pneumonia", "J18.9"), ("asthma", "J45.9"), ("influenza", "J11.1"), ("bronchitis", "J20.9"), ("pulmonary embolism", "I26.9"), ("heart failure", "I50.9"),
        ("atrial fibrillation", "I48.9"), ("angina", "I20.9"), ("myocardial infarction", "I21.9"), ("hypertension", "I10"), ("stroke", "I63.9"), ("migraine", "G43.9"),
        ("epilepsy", "G40.9"), ("concussion", "S06.0"), ("hip fracture", "S72.0"), ("wrist fracture", "S62.1"), ("ankle sprain", "S93.4"), ("appendicitis", "K35.8"),
        ("gallstones", "K80.2"), ("pancreatitis", "K85.9"), ("gastritis", "K29.7"), ("ulcer", "K25.9"), ("hepatitis", "K75.9"), ("diverticulitis", "K57.9"),
        ("kidney stones", "N20.0"), ("urinary infection", "N39.0"), ("renal failure", "N17.9"), ("diabetes", "E11.9"), ("hypothyroidism", "E03.9"), ("gout", "M10.9"),
        ("arthritis", "M06.9"), ("lumbar strain", "S39.0"), ("cellulitis", "L03.9"), ("eczema", "L30.9"), ("psoriasis", "L40.9"), ("shingles", "B02.9"),
        ("sepsis", "A41.9"), ("anemia", "D64.9"), ("depression", "F32.9"), ("anxiety", "F41.9"), ("vertigo", "H81.1"), ("otitis", "H66.9"), ("glaucoma", "H40.9"),
        ("sinusitis", "J01.9"), ("tonsillitis", "J03.9"), ("thrombosis", "I82.9"),
    ];

    public static readonly string[] Complaints =
    [
        "chest pain", "shortness of breath", "fever", "cough", "headache", "dizziness", "back pain", "knee pain", "abdominal pain", "nausea", "vomiting", "fatigue",
        "sore throat", "ear pain", "rash", "palpitations", "swollen leg", "blurred vision", "numb hand", "weight loss", "night sweats", "joint pain", "wheezing",
        "fainting", "confusion", "hip pain", "burning urination", "flank pain", "itching", "poor sleep", "neck stiffness", "hoarse voice",
    ];

    public static readonly string[] Treatments =
    [
        "amoxicillin", "salbutamol", "heparin", "aspirin", "metoprolol", "ramipril", "furosemide", "insulin", "metformin", "ibuprofen", "paracetamol", "prednisone",
        "omeprazole", "morphine", "surgery", "physiotherapy", "oxygen", "ceftriaxone", "warfarin", "apixaban", "levothyroxine", "sertraline", "sumatriptan", "colchicine",
        "acyclovir", "iron tablets", "fluids", "a plaster cast", "azithromycin", "bisoprolol", "diazepam", "tramadol",
    ];

    public static readonly string[] Departments =
    [
        "cardiology", "emergency", "radiology", "surgery", "neurology", "oncology", "pediatrics", "orthopedics", "dermatology", "urology", "psychiatry", "geriatrics",
        "pulmonology", "nephrology", "general medicine", "intensive care",
    ];

    public static readonly string[] Allergies =
        ["penicillin", "latex", "peanuts", "pollen", "sulfa", "eggs", "iodine", "codeine", "shellfish", "nickel", "dust", "milk", "wasp stings", "cats", "none"];

    public static readonly string[] Findings =
    [
        "clear lungs", "crackles", "a heart murmur", "a swollen joint", "a tender abdomen", "a red throat", "pale skin", "a weak pulse", "raised pressure", "a normal scan",
        "a small shadow", "an irregular rhythm", "low oxygen", "high glucose", "protein in urine", "a stiff neck", "slow reflexes", "a dry cough", "warm skin", "a soft lump",
    ];

    public static readonly string[] Occupations =
        ["teacher", "farmer", "nurse", "driver", "cook", "student", "clerk", "engineer", "painter", "baker", "welder", "lawyer", "gardener", "retired", "pilot", "tailor"];

    public static readonly string[] FirstNames =
    [
        "Maria", "Anna", "John", "Peter", "Laura", "David", "Elena", "Thomas", "Julia", "Martin", "Sofia", "Lucas", "Nora", "Paul", "Clara", "Simon", "Ida", "Hugo",
        "Emma", "Oscar", "Rosa", "Victor", "Alice", "Felix", "Marta", "Leon", "Grace", "Adam", "Ruth", "Samuel", "Helen", "Omar", "Fatima", "Ivan", "Mei", "Ravi",
        "Yusuf", "Aisha", "Carlos", "Ines", "Kenji", "Amara", "Liam", "Zoe",
    ];

    public static readonly string[] LastNames =
    [
        "Keller", "Smith", "Garcia", "Novak", "Rossi", "Dubois", "Meyer", "Larsen", "Kowalski", "Silva", "Brown", "Fischer", "Moreau", "Jansen", "Petrov", "Costa",
        "Weber", "Khan", "Singh", "Tanaka", "Okafor", "Haddad", "Nguyen", "Kim", "Lopez", "Berg", "Marino", "Young", "Walker", "Stone", "Baker", "Carter", "Reed",
        "Hughes", "Price", "Ward", "Foster", "Bell", "Grant", "Hart", "Lowe", "Marsh",
    ];

    public static readonly string[] Syllables =
    [
        "ba", "do", "ke", "li", "mu", "na", "po", "ra", "se", "ti", "va", "zo", "bel", "cor", "dan", "fer", "gal", "hel", "jor", "kan", "lom", "mir", "nel", "pas",
        "qui", "ros", "sul", "tor", "ven", "wil", "xan", "yor", "zel", "bri", "cla", "dru", "fle", "gro", "pla", "sti", "tha", "cho", "she", "tra",
    ];

    /// <summary>Labels of free records: what a hospital may call its fields.</summary>
    public static readonly string[] Labels =
    [
        "insurer", "referral", "status", "blood group", "diet", "language", "mobility", "pharmacy", "contact", "device", "implant", "trial", "sample", "stage", "grade",
        "category", "section", "topic", "priority", "outcome", "protocol", "scanner", "site", "shift", "unit", "carer", "vaccine", "pathway", "consent", "type", "class",
        "reason", "result", "location", "specimen", "position", "colour", "size", "source", "plan",
    ];

    /// <summary>Topics of dialogues: a section's usual name, and lines that a doctor and a patient say about it.</summary>
    public static readonly (string Section, string[] Doctor, string[] Patient)[] Topics =
    [
        ("FAM/SOCHX",
            ["Does anyone in your family have medical problems?", "Do you smoke or drink?", "What do you do for a living?", "Are you married?", "Are your parents alive?", "Any drug use?"],
            ["My mother has diabetes.", "My father died of a heart attack.", "I smoke a pack a day.", "I drink on weekends.", "I work as a teacher.", "I live with my husband.", "My brother had cancer.", "I quit smoking ten years ago."]),
        ("GENHX",
            ["What brings you in today?", "When did this start?", "Can you describe the pain?", "Does anything make it better?", "How long have you had this?", "Has it gotten worse?"],
            ["I have had pain for two weeks.", "It started last month.", "It gets worse when I walk.", "I fell and hurt my knee.", "The medicine helps a little.", "It comes and goes.", "I came to the emergency room last night.", "I feel worse at night."]),
        ("PASTMEDICALHX",
            ["Do you have any medical conditions?", "Any past illnesses?", "Have you been diagnosed with anything?", "Any history of high blood pressure?", "Any other health problems?"],
            ["I have high blood pressure.", "I have diabetes and asthma.", "I had pneumonia as a child.", "I have high cholesterol.", "I have arthritis.", "I had a stroke before.", "No other medical problems."]),
        ("PASTSURGICAL",
            ["Have you had any surgeries?", "Any operations in the past?", "When was your surgery?", "Have you ever been operated on?"],
            ["I had my appendix removed.", "I had a hysterectomy.", "They took out my gallbladder.", "I had knee replacement surgery.", "I had my tonsils out as a kid.", "No surgeries.", "I had a bypass operation."]),
        ("CC",
            ["How can I help you?", "What is the main problem?", "What seems to be the problem?", "Why are you here?"],
            ["I have a headache.", "My back hurts.", "I have a cough.", "I need a checkup.", "I have chest pain.", "I have a rash."]),
        ("ROS",
            ["Any fever or chills?", "Any nausea or vomiting?", "Any shortness of breath?", "Any changes in vision or hearing?", "Any problems with your bladder or bowels?", "Any weight loss?", "Any dizziness or numbness?"],
            ["No fever.", "No, none of that.", "I have been dizzy.", "No chest pain.", "I have lost some weight.", "No problems there.", "I feel tired sometimes."]),
        ("ALLERGY",
            ["Are you allergic to anything?", "Any drug allergies?", "What happens when you take it?"],
            ["I am allergic to penicillin.", "No known allergies.", "I get a rash from sulfa.", "Peanuts make me swell.", "Codeine makes me sick."]),
        ("MEDICATIONS",
            ["What medications do you take?", "Do you take anything every day?", "What is the dose?"],
            ["I take metformin twice a day.", "I take aspirin.", "Just vitamins.", "I use an inhaler.", "I take lisinopril in the morning.", "I stopped taking it."]),
        ("EXAM",
            ["Let me listen to your lungs.", "Take a deep breath.", "Does it hurt when I press here?", "Open your mouth, please.", "Your heart sounds normal."],
            ["Okay.", "Yes, that hurts.", "A little tender there.", "No pain there."]),
        ("PLAN",
            ["I will order some blood tests.", "We will start an antibiotic.", "Come back in two weeks.", "I will refer you to a specialist.", "Let us get an X-ray."],
            ["Sounds good.", "Thank you, doctor.", "When will I get the results?", "Do I need surgery?"]),
    ];
}
