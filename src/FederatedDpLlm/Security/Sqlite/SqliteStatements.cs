using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Security.Sqlite;

/// <summary>Statements whose parameters are <c>$0</c>, <c>$1</c>, ... in order; null stands for SQL's NULL. Whatever is not prepared for the caller is disposed of here.</summary>
internal static class SqliteStatements
{
    /// <summary>A connection of its own: none is lent from a pool, so that closing it closes the file.</summary>
    /// <exception cref="SqliteException">The file cannot be used.</exception>
    public static SqliteConnection Open(string path, SqliteOpenMode mode = SqliteOpenMode.ReadWriteCreate)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A statement that is compiled once; the caller disposes of it.</summary>
    public static SqliteCommand Prepare(this SqliteConnection connection, string sql, int parameters = 0)
    {
        var command = Command(connection, sql, new object?[parameters]);
        command.Prepare();
        return command;
    }

    /// <summary>Runs a prepared statement.</summary>
    public static void Run(this SqliteCommand command, params ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }

        command.ExecuteNonQuery();
    }

    /// <summary>Runs one or more statements once.</summary>
    public static void Execute(this SqliteConnection connection, string sql, params ReadOnlySpan<object?> values)
    {
        using var command = Command(connection, sql, values);
        command.ExecuteNonQuery();
    }

    /// <summary>The rows of a query, run when they are read. Every element is the same reader, at its next row.</summary>
    public static IEnumerable<SqliteDataReader> Query(this SqliteConnection connection, string sql, params object?[] values)
    {
        using var command = Command(connection, sql, values);
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            yield return rows;
        }
    }

    /// <summary>The one integer of a query; null where it gives none.</summary>
    public static long? ReadNumber(this SqliteConnection connection, string sql)
    {
        using var command = Command(connection, sql, []);
        return command.ExecuteScalar() as long?;
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql, ReadOnlySpan<object?> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters.AddWithValue($"${i}", values[i] ?? DBNull.Value);
        }

        return command;
    }
}
