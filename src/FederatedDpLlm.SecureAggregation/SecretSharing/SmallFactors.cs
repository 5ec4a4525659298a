using FederatedDpLlm.SecureAggregation.Fields;

namespace FederatedDpLlm.SecureAggregation.SecretSharing;

/// <summary>
/// A product of small integers, of points and their differences, in the scalar field. They are multiplied as machine integers for as long as they fit, since an
/// operation in the field costs a hundred of these; points are public, so nothing here is secret.
/// </summary>
internal struct SmallFactors()
{
    private Scalar _product = Scalar.One;
    private uint _pending = 1;
    private bool _isNegative;

    public readonly Scalar Product
    {
        get
        {
            var magnitude = _product * Scalar.From(_pending);
            return _isNegative ? Scalar.Zero - magnitude : magnitude;
        }
    }

    public void Multiply(int factor)
    {
        var magnitude = (uint)Math.Abs((long)factor);
        _isNegative ^= factor < 0;
        if (Math.BigMul(_pending, magnitude) > uint.MaxValue)
        {
            (_product, _pending) = (_product * Scalar.From(_pending), 1);
        }

        _pending *= magnitude;
    }
}
