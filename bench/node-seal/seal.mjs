// Times Microsoft SEAL (node-seal) on one thread and prints one line of JSON: the fastest of many repetitions, in microseconds, and bytes on the wire.
import SEAL from 'node-seal'

const seal = await SEAL()
const degree = 8192

function fastest(action, seconds = 2) {
  let best = Infinity
  const end = performance.now() + seconds * 1000
  for (let i = 0; i < 5 || performance.now() < end; i++) {
    const started = performance.now()
    action()
    best = Math.min(best, performance.now() - started)
  }
  return best * 1000
}

function context(scheme, bits, plain) {
  const parameters = new seal.EncryptionParameters(scheme)
  parameters.setPolyModulusDegree(degree)
  parameters.setCoeffModulus(seal.CoeffModulus.Create(degree, Int32Array.from(bits)))
  if (plain) parameters.setPlainModulus(seal.PlainModulus.Batching(degree, plain))
  const made = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128)
  if (!made.parametersSet()) throw new Error('SEAL refuses the parameters')
  return made
}

function keys(made) {
  const generator = new seal.KeyGenerator(made)
  const secret = generator.secretKey()
  const open = generator.createPublicKey()
  const encryptor = new seal.Encryptor(made, open, secret)
  return { encryptor, evaluator: new seal.Evaluator(made) }
}

// BFV as in the measurement: 8,192 values of 16 bits, a 32-bit batching prime, symmetric encryption.
const bfv = context(seal.SchemeType.bfv, [54, 54, 55], 32)
const bfvKeys = keys(bfv)
const batch = new seal.BatchEncoder(bfv)
const values = BigInt64Array.from({ length: degree }, (_, i) => BigInt((i * 40503) % 65536 - 32768))
const plain = new seal.Plaintext()
const cipher = new seal.Ciphertext()
const bfvEncrypt = fastest(() => { batch.encode(values, plain); bfvKeys.encryptor.encryptSymmetric(plain, cipher) })
const bfvBytes = cipher.saveToArray(seal.ComprModeType.none).length

// One plaintext to the transform's side in two primes of 54 bits, each of 8,192 points.
batch.encode(values, plain)
const inTransform = new seal.Plaintext()
const transform = fastest(() => bfvKeys.evaluator.plainTransformToNtt(plain, bfv.firstParmsId(), inTransform)) / 2

// CKKS as NVFlare configures it: 4,096 values, primes of 60, 40 and 40 bits, scale 2^40, public-key encryption.
const ckks = context(seal.SchemeType.ckks, [60, 40, 40])
const ckksKeys = keys(ckks)
const encoder = new seal.CKKSEncoder(ckks)
const floats = Float64Array.from({ length: degree / 2 }, (_, i) => ((i * 40503) % 65536) / 65536 - 0.5)
const ckksPlain = new seal.Plaintext()
const ckksCipher = new seal.Ciphertext()
const ckksEncrypt = fastest(() => { encoder.encode(floats, 2 ** 40, ckksPlain); ckksKeys.encryptor.encrypt(ckksPlain, ckksCipher) })
const ckksBytes = ckksCipher.saveToArray(seal.ComprModeType.none).length

console.log(JSON.stringify({
  bfvNanosecondsPerValue: bfvEncrypt * 1000 / degree,
  bfvBytesPerValue: bfvBytes / degree,
  ckksNanosecondsPerValue: ckksEncrypt * 1000 / (degree / 2),
  ckksBytesPerValue: ckksBytes / (degree / 2),
  transformMicroseconds: transform,
}))
