namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>
/// Sixteen chapters of ten conditions. Names and codes are ICD-10's (WHO, version 2019); which phrase goes with which condition is drawn at random and means
/// nothing for a real patient.
/// </summary>
internal static class ClinicalChapters
{
    /// <summary>Complaints that every chapter shares.</summary>
    public const string GeneralComplaints = "fever|fatigue|weight loss|poor sleep|nausea|dizziness|malaise|night sweats";

    public static readonly IReadOnlyList<ClinicalChapter> All =
    [
        new(
            "cholera=A00.9|typhoid fever=A01.0|salmonella enteritis=A02.0|shigellosis=A03.9|giardiasis=A07.1|sepsis=A41.9|lung tuberculosis=A16.2|erysipelas=A46|lyme disease=A69.2|scarlet fever=A38",
            "watery stools|bloody stools|shaking chills|spreading redness|recent travel|cramps|swollen glands",
            "dry tongue|rose spots|sunken eyes|red plaque|ring rash|strawberry tongue|fast breathing",
            "positive stool culture|positive blood culture|raised lactate|acid fast bacilli|parasite cysts",
            "rehydration|ceftriaxone|doxycycline|metronidazole|isoniazid"),
        new(
            "shingles=B02.9|chickenpox=B01.9|measles=B05.9|rubella=B06.9|warts=B07|hepatitis A=B15.9|hepatitis B=B16.9|mumps=B26.9|mononucleosis=B27.9|malaria=B54",
            "blisters|itchy spots|dark urine|swollen cheeks|sore throat|cyclic fever|growths on hands",
            "yellow skin|belt of vesicles|cheek spots|large spleen|tender parotid|rough papules|blotchy rash",
            "raised transaminases|atypical lymphocytes|parasites on smear|positive antigen|low platelets",
            "acyclovir|artemether|isolation|cryotherapy|antiviral course"),
        new(
            "stomach cancer=C16.9|colon cancer=C18.9|rectal cancer=C20|liver cancer=C22.0|lung cancer=C34.9|melanoma=C43.9|breast cancer=C50.9|prostate cancer=C61|kidney cancer=C64|bladder cancer=C67.9",
            "coughing blood|changing mole|breast lump|painless blood in urine|early fullness|narrow stools|bone pain",
            "hard nodule|irregular pigment|pale conjunctiva|mass on palpation|enlarged liver|firm gland|clubbed fingers",
            "malignant cells|raised tumour marker|filling defect|suspicious shadow|iron deficit",
            "chemotherapy|radiotherapy|resection|hormone therapy|immunotherapy"),
        new(
            "iron deficiency anemia=D50.9|pernicious anemia=D51.0|folate deficiency=D52.9|thalassemia=D56.9|sickle cell disease=D57.1|hemophilia=D66|thrombocytopenia=D69.6|neutropenia=D70|sarcoidosis=D86.9|aplastic anemia=D61.9",
            "easy bruising|breathless on stairs|tingling feet|bleeding gums|painful crises|frequent infections|brittle nails",
            "pallor|smooth tongue|petechiae|joint bleed|leg ulcer|spoon nails|lumps on shins",
            "low ferritin|large red cells|target cells|long clotting time|low white count",
            "iron tablets|B12 injections|folic acid|transfusion|factor VIII"),
        new(
            "hypothyroidism=E03.9|thyrotoxicosis=E05.9|type 1 diabetes=E10.9|type 2 diabetes=E11.9|hypoglycemia=E16.2|cushing syndrome=E24.9|addison disease=E27.1|obesity=E66.9|gout diathesis=E79.0|dehydration=E86",
            "great thirst|cold intolerance|heat intolerance|weight gain|salt craving|shakiness|frequent urination",
            "goitre|bulging eyes|round face|purple striae|dark creases|dry skin|fruity breath",
            "high glucose|low glucose|raised TSH|low cortisol|raised urate",
            "insulin|metformin|levothyroxine|carbimazole|hydrocortisone"),
        new(
            "dementia=F03|delirium=F05.9|alcohol dependence=F10.2|schizophrenia=F20.9|bipolar disorder=F31.9|depression=F32.9|panic disorder=F41.0|obsessive disorder=F42.9|anorexia nervosa=F50.0|insomnia=F51.0",
            "forgetfulness|low mood|racing thoughts|hearing voices|sudden dread|repeated checking|fear of weight",
            "flat affect|disoriented|tremor|pressured speech|poor eye contact|very thin|restless",
            "low memory score|raised gamma GT|high anxiety score|normal scan|low mood score",
            "sertraline|lithium|haloperidol|thiamine|talking therapy"),
        new(
            "parkinson disease=G20|alzheimer disease=G30.9|multiple sclerosis=G35|epilepsy=G40.9|migraine=G43.9|transient ischemia=G45.9|trigeminal neuralgia=G50.0|bell palsy=G51.0|carpal tunnel syndrome=G56.0|meningitis=G03.9",
            "throbbing headache|numb fingers|seizure|slow movement|facial pain|double vision|light hurts",
            "facial droop|stiff neck|rigidity|wasted thumb|unsteady gait|jerky eyes|brisk reflexes",
            "white matter plaques|spike waves|slow nerve conduction|cloudy spinal fluid|normal CT",
            "levodopa|valproate|sumatriptan|carbamazepine|wrist splint"),
        new(
            "conjunctivitis=H10.9|keratitis=H16.9|cataract=H26.9|retinal detachment=H33.2|glaucoma=H40.9|optic neuritis=H46|otitis externa=H60.9|otitis media=H66.9|meniere disease=H81.0|sudden hearing loss=H91.2",
            "red eye|blurred vision|flashes of light|ear pain|ringing ears|spinning|halos around lights",
            "sticky lids|cloudy lens|bulging eardrum|swollen canal|fixed pupil|corneal stain|nystagmus",
            "raised eye pressure|low visual acuity|pale disc|low tone loss|bacteria on swab",
            "eye drops|ear drops|timolol|lens surgery|betahistine"),
        new(
            "hypertension=I10|angina=I20.9|myocardial infarction=I21.9|pulmonary embolism=I26.9|pericarditis=I30.9|endocarditis=I33.0|atrial fibrillation=I48.9|heart failure=I50.9|stroke=I63.9|deep vein thrombosis=I80.2",
            "crushing chest pain|palpitations|swollen ankles|breathless lying flat|weak arm|swollen calf|pain on exertion",
            "irregular pulse|raised neck veins|heart murmur|friction rub|crackles at bases|slurred speech|warm calf",
            "raised troponin|ST elevation|high D-dimer|raised BNP|vegetation on valve",
            "aspirin|furosemide|heparin|bisoprolol|ramipril"),
        new(
            "sinusitis=J01.9|pharyngitis=J02.9|tonsillitis=J03.9|influenza=J11.1|pneumonia=J18.9|bronchitis=J20.9|COPD=J44.9|asthma=J45.9|pleural effusion=J90|pneumothorax=J93.9",
            "productive cough|dry cough|wheeze|facial pressure|sharp chest pain|hoarse voice|muscle aches",
            "dull percussion|absent breath sounds|swollen tonsils|crackles on one side|long expiration|tender sinus|barrel chest",
            "consolidation|low peak flow|air in pleura|positive flu swab|low oxygen",
            "amoxicillin|salbutamol|prednisone|oseltamivir|chest drain"),
        new(
            "reflux disease=K21.9|gastric ulcer=K25.9|gastritis=K29.7|appendicitis=K35.8|inguinal hernia=K40.9|crohn disease=K50.9|ulcerative colitis=K51.9|diverticulitis=K57.9|gallstones=K80.2|pancreatitis=K85.9",
            "heartburn|burning stomach pain|right lower pain|left lower pain|groin lump|pain after fatty meals|mucus in stools",
            "rebound tenderness|epigastric tenderness|reducible swelling|positive Murphy sign|mouth ulcers|distended abdomen|guarding",
            "raised lipase|stones on ultrasound|raised calprotectin|positive breath test|thick bowel wall",
            "omeprazole|surgery|mesalazine|clear fluids|laparoscopy"),
        new(
            "impetigo=L01.0|cellulitis=L03.9|atopic dermatitis=L20.9|contact dermatitis=L25.9|psoriasis=L40.9|lichen planus=L43.9|urticaria=L50.9|acne=L70.9|rosacea=L71.9|pressure ulcer=L89.9",
            "itching|scaly patches|hives|pimples|flushing|sore heel|weeping skin",
            "golden crusts|silver scales|wheals|comedones|violet papules|hot red leg|broken skin",
            "raised IgE|positive patch test|staphylococci on swab|raised white count|normal bloods",
            "steroid cream|emollient|flucloxacillin|antihistamine|isotretinoin"),
        new(
            "rheumatoid arthritis=M06.9|gout=M10.9|knee osteoarthritis=M17.9|lupus=M32.9|polymyalgia=M35.3|ankylosing spondylitis=M45|low back pain=M54.5|frozen shoulder=M75.0|fibromyalgia=M79.7|osteoporosis=M81.9",
            "morning stiffness|swollen big toe|knee pain|shoulder pain|back pain|widespread pain|loss of height",
            "warm joint|butterfly rash|crepitus|limited rotation|tender points|stooped spine|swollen knuckles",
            "urate crystals|positive rheumatoid factor|raised ESR|low bone density|narrow joint space",
            "methotrexate|colchicine|physiotherapy|ibuprofen|alendronate"),
        new(
            "nephritic syndrome=N05.9|pyelonephritis=N10|acute renal failure=N17.9|chronic kidney disease=N18.9|kidney stones=N20.0|cystitis=N30.9|urinary infection=N39.0|prostate enlargement=N40|orchitis=N45.9|endometriosis=N80.9",
            "burning urination|flank pain|weak stream|painful periods|scrotal pain|foamy urine|little urine",
            "loin tenderness|swollen face|full bladder|tender testis|pelvic tenderness|puffy hands|large prostate",
            "blood in urine|nitrites in urine|raised creatinine|protein in urine|stone on CT",
            "trimethoprim|tamsulosin|fluids|dialysis|hormone coil"),
        new(
            "concussion=S06.0|rib fracture=S22.3|forearm fracture=S52.9|wrist sprain=S63.5|hip fracture=S72.0|meniscus tear=S83.2|ankle fracture=S82.8|ankle sprain=S93.4|neck strain=S13.4|shoulder dislocation=S43.0",
            "fall at home|twisted ankle|hip pain after fall|arm pain|locked knee|whiplash|blow to the head",
            "shortened leg|bruised ankle|squared shoulder|bony tenderness|joint line pain|brief confusion|bent forearm",
            "fracture line|no fracture|torn cartilage|displaced joint|soft tissue swelling",
            "plaster cast|strapping|hip replacement|reduction|sling"),
        new(
            "burn of hand=T23.0|opioid poisoning=T40.2|paracetamol poisoning=T39.1|carbon monoxide poisoning=T58|bee sting=T63.4|frostbite=T35.7|heat stroke=T67.0|food allergy=T78.1|anaphylaxis=T78.2|wound infection=T81.4",
            "took too many tablets|headache at home|scald|swollen lips|numb toes|collapse in the sun|oozing wound",
            "pinpoint pupils|blistered skin|cherry lips|stridor|white toes|hot dry skin|low blood pressure",
            "raised carboxyhemoglobin|raised tryptase|high drug level|acidosis|high core temperature",
            "naloxone|adrenaline|acetylcysteine|oxygen mask|dressing"),
    ];
}
